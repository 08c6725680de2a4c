import { eq, sql } from 'drizzle-orm'
import type { AlertNotice } from '../../core/alerts.ts'
import { logsUrl } from '../../core/links.ts'
import { problem } from '../../core/problems.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { mailBudgetSpent, newMail, queueMails } from '../../db/mails.ts'
import { organizations } from '../../db/schema.ts'
import { notificationChannels } from '../../db/schema_alerts.ts'
import { mails as storedMails } from '../../db/schema_content.ts'
import { takePlace } from '../auth/throttle.ts'
import type { ChannelRow } from './channel.ts'
import { findChannel, ownChannels } from './channel.ts'
import { confirmedRecipients } from './recipients.ts'
import type { ChannelTest } from './schema.ts'
import { afterCall } from './send/limits.ts'
import { sendNotice } from './send/send_notice.ts'

/**
 * Sends a notice of the kind `test` now, and says what became of it: of a webhook and Slack what the other side answered, of e-mail
 * whom a mail is on its way to. Each is written down before it goes out, and throttled. `ofRule`: what the test of a rule says.
 */
export async function testChannel(ctx: TenantCtx, id: string, ofRule?: AlertNotice): Promise<ChannelTest> {
  const channel = await findChannel(ctx, id)
  await takePlace(ctx, { kind: 'channel_test', subject: id, source: ctx.tenant.organizationId })
  const notice = ofRule ?? (await testNotice(ctx, channel))
  return channel.kind === 'email' ? testEmail(ctx, channel, notice) : testCall(ctx, channel, notice)
}

async function testCall(ctx: TenantCtx, channel: ChannelRow, notice: AlertNotice): Promise<ChannelTest> {
  await audit(ctx, channel)
  const outcome = await sendNotice(ctx, channel, notice)
  const error = outcome.kind === 'accepted' ? null : outcome.error
  await ctx.db
    .update(notificationChannels)
    .set(afterCall(error, ctx.now()))
    .where(ownChannels(ctx, eq(notificationChannels.id, channel.id)))
  return { outcome: error === null ? 'accepted' : 'failed', http_status: outcome.status, answer: outcome.answer, error, to: [] }
}

async function testEmail(ctx: TenantCtx, channel: ChannelRow, notice: AlertNotice): Promise<ChannelTest> {
  const { organizationId } = ctx.tenant
  const all = channel.config.to ?? []
  const confirmed = await confirmedRecipients(ctx, organizationId, all)
  const wanted = all.filter((email) => confirmed.has(email))
  const mails = wanted.map((email) => newMail(ctx, 'alert', { to: email, ownerId: organizationId }, { notice }))
  const ids = JSON.stringify(mails.map(({ job }) => job.id))
  const results = await ctx.db.batch([
    audit(ctx, channel),
    ...mails.map(({ statement }) => statement),
    ctx.db
      .select({ to: storedMails.recipient })
      .from(storedMails)
      .where(sql`${storedMails.id} in (select value from json_each(${ids}))`),
  ])
  queueMails(ctx, mails)
  const written = results.at(-1) as { to: string }[]
  const to = wanted.filter((email) => written.some((mail) => mail.to === email))
  const left = all.length - wanted.length
  const reasons = [
    ...(left === 0 ? [] : [`${left} of ${all.length} addresses have not confirmed yet and were sent nothing.`]),
    ...(to.length === wanted.length ? [] : [mailBudgetSpent]),
  ]
  const error = reasons.length === 0 ? null : reasons.join(' ')
  return { outcome: to.length > 0 ? 'queued' : 'failed', http_status: null, answer: null, error, to }
}

function audit(ctx: TenantCtx, { id, name, kind }: ChannelRow) {
  const entry = { action: 'notification_channel.test', target: { kind: 'notification_channel', id }, details: { name, kind } }
  return auditEntry(ctx, entry, notificationChannels, ownChannels(ctx, eq(notificationChannels.id, id)))
}

async function testNotice(ctx: TenantCtx, channel: ChannelRow): Promise<AlertNotice> {
  const { organizationId } = ctx.tenant
  const { publicUrl } = ctx.config
  const [organization] = await ctx.db.select({ name: organizations.name }).from(organizations).where(eq(organizations.id, organizationId))
  if (organization === undefined) throw problem('not_found', 'There is no such organization.')
  const toMs = ctx.now()
  const range = { from: new Date(toMs - 5 * 60_000).toISOString(), to: new Date(toMs).toISOString() }
  const url = logsUrl(publicUrl, { organizationId, q: '', ...range })
  return {
    id: ctx.newId(),
    kind: 'test',
    organization: { id: organizationId, name: organization.name },
    rule: {
      id: channel.id,
      name: channel.name,
      severity: 'info',
      description: 'Somebody tried this channel out. Nothing is wrong.',
      runbook_url: null,
      condition: 'a test of this channel',
      q: '',
    },
    ...range,
    groups: [],
    logs_url: url,
    rule_url: `${publicUrl}/api/v1/notification-channels/${channel.id}#organization=${organizationId}`,
    logs: [],
    error: null,
  }
}
