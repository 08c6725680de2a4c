import { eq, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import type { AlertNotice } from '../../core/alerts.ts'
import type { NotifyJob } from '../../core/jobs.ts'
import type { TenantCtx } from '../../db/context.ts'
import { mailBudgetSpent, newMail } from '../../db/mails.ts'
import type { NewMail } from '../../db/mails.ts'
import { alertNotifications, notificationChannels } from '../../db/schema_alerts.ts'
import { mails } from '../../db/schema_content.ts'
import { inTenant } from '../../db/tenant.ts'
import { channelRow, ownChannels } from './channel.ts'
import type { ChannelRow } from './channel.ts'
import { endedNotice } from './ended_notice.ts'
import { confirmedRecipients } from './recipients.ts'

export interface NoticeToSend {
  ruleId: string
  notice: AlertNotice
  channelIds: readonly string[]
  /** What follows the selected values (`from ... where ...`) and makes all of it depend on the act, as in `newMail`. */
  source?: SQL
}

/** Statements for the batch of the act that the notice tells of; once it is done, jobs for `notify-jobs` and mails for `queueMails`. */
export interface NewNotifications {
  statements: BatchItem<'sqlite'>[]
  jobs: NotifyJob[]
  mails: NewMail[]
}

interface NewRow {
  id: string
  channel: string
  recipient: string | null
  status: 'pending' | 'failed'
  error: string | null
}

/** Why an address is not written to. */
export const unconfirmedRecipient = 'The address has not confirmed that it wants mails of this organization.'

/**
 * A notice to all channels of a rule: a row for each channel, and of e-mail for each address, whose id is its mail's. An address in
 * several of the channels gets one mail; one that has not confirmed gets none, and its row says so.
 */
export async function newNotifications(
  ctx: TenantCtx,
  { ruleId, notice, channelIds, source = sql`where true` }: NoticeToSend,
): Promise<NewNotifications> {
  if (channelIds.length === 0) return { statements: [], jobs: [], mails: [] }
  const channels = await channelsOf(ctx, channelIds)
  const { organizationId } = ctx.tenant
  const emails = [...new Set(channels.flatMap(({ config }) => config.to ?? []))]
  const confirmed = await confirmedRecipients(ctx, organizationId, emails)
  const rows: NewRow[] = []
  const written: NewMail[] = []
  const jobs: NotifyJob[] = []
  for (const { id: channel } of channels.filter((each) => each.kind !== 'email')) {
    rows.push({ id: ctx.newId(), channel, recipient: null, status: 'pending', error: null })
    jobs.push({ kind: 'notify', organization_id: organizationId, rule_id: ruleId, channel_id: channel })
  }
  for (const recipient of emails) {
    const id = ctx.newId()
    const channel = channels.find(({ config }) => config.to?.includes(recipient) === true)?.id ?? ''
    const isConfirmed = confirmed.has(recipient)
    rows.push({ id, channel, recipient, status: isConfirmed ? 'pending' : 'failed', error: isConfirmed ? null : unconfirmedRecipient })
    if (isConfirmed) written.push(newMail(ctx, 'alert', { to: recipient, ownerId: organizationId, id }, { notice }, source))
  }
  if (rows.length === 0) return { statements: [], jobs, mails: written }
  const statements: BatchItem<'sqlite'>[] = [insertRows(ctx, ruleId, notice, rows, source), ...written.map(({ statement }) => statement)]
  if (written.length > 0) statements.push(failUnwritten(ctx, ruleId, written))
  return { statements, jobs, mails: written }
}

/** Behind the mails: a row whose mail had no room left waits for nothing. */
function failUnwritten(ctx: TenantCtx, ruleId: string, written: readonly NewMail[]) {
  const ids = sql`(select value from json_each(${JSON.stringify(written.map(({ job }) => job.id))}))`
  return ctx.db
    .update(alertNotifications)
    .set({ status: 'failed', error: mailBudgetSpent, notice: endedNotice('failed') })
    .where(
      inTenant(
        ctx,
        alertNotifications,
        eq(alertNotifications.ruleId, ruleId),
        sql`${alertNotifications.id} in ${ids}`,
        sql`not exists (select 1 from ${mails} where ${eq(mails.id, alertNotifications.id)})`,
      ),
    )
}

async function channelsOf(ctx: TenantCtx, ids: readonly string[]): Promise<ChannelRow[]> {
  const wanted = sql`${notificationChannels.id} in (select value from json_each(${JSON.stringify(ids)}))`
  const rows = await ctx.db.select().from(notificationChannels).where(ownChannels(ctx, wanted))
  return rows.map(channelRow)
}

/** One statement for all, so that the notice, which may be long, is sent to D1 once. */
function insertRows(ctx: TenantCtx, ruleId: string, notice: AlertNotice, rows: readonly NewRow[], source: SQL) {
  const now = ctx.now()
  const of = (name: keyof NewRow) => sql`${sql.raw(`"each".value ->> '${name}'`)}`
  return ctx.db.insert(alertNotifications).select(
    // In the order of the table's columns, as drizzle wants it.
    sql`select ${ctx.tenant.organizationId}, ${ruleId}, ${of('id')}, ${of('channel')}, ${of('recipient')}, ${notice.kind}, ${of('status')}, 0,
        ${of('error')}, ${now}, 0, ${ctx.requestId}, ${now}, ${now},
        case ${of('status')} when 'failed' then json_set("told".body, '$.logs', json('[]')) else "told".body end, null
      from json_each(${JSON.stringify(rows)}) as "each", (select ${JSON.stringify(notice)} as body ${source}) as "told"
      where true`,
  )
}
