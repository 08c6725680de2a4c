import { eq, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { AlertNotice } from '../../core/alerts.ts'
import type { NotifyJob } from '../../core/jobs.ts'
import { alertGroupLinkCharsMax, alertNoticeGroupsMax } from '../../core/limits.ts'
import { logsUrl, ruleUrl } from '../../core/links.ts'
import { boundedNotice } from '../../core/notice_bounds.ts'
import type { TenantCtx } from '../../db/context.ts'
import { sendJobs } from '../../db/jobs.ts'
import { queueMails } from '../../db/mails.ts'
import { organizations } from '../../db/schema.ts'
import { alertRules } from '../../db/schema_alerts.ts'
import { newNotifications } from '../notification-channels/new_notifications.ts'
import type { NewNotifications } from '../notification-channels/new_notifications.ts'
import { isSilenced, liveSilences } from '../silences/active.ts'
import { conditionText } from './definition.ts'
import type { RuleRow } from './rule.ts'

const nothing: NewNotifications = { statements: [], jobs: [], mails: [] }

/**
 * Tells those who heard that a rule fires, has no data or fails that it is over, as nobody evaluates it any more: statements for the
 * batch that turns it off or deletes it, before it does, with the condition of that. Whom a silence kept from hearing hears nothing.
 */
export async function farewell(ctx: TenantCtx, row: RuleRow, where: SQL): Promise<NewNotifications> {
  const told = row.groups.filter((group) => group.told !== 'none')
  const channelIds = row.definition.channel_ids
  if (channelIds.length === 0 || (told.length === 0 && row.errorToldAt === null)) return nothing
  const nowMs = ctx.now()
  const [silences, [organization]] = await ctx.db.batch([
    liveSilences(ctx, nowMs),
    ctx.db.select({ name: organizations.name }).from(organizations).where(eq(organizations.id, ctx.tenant.organizationId)),
  ])
  if (organization === undefined || isSilenced(silences, row.id, nowMs)) return nothing
  const notice = noticeOf(ctx, row, organization.name, told)
  return newNotifications(ctx, { ruleId: row.id, notice, channelIds, source: sql`from ${alertRules} where ${where}` })
}

/** Behind the batch. What a queue in trouble does not take waits in D1 for the sweeps. */
export async function sendFarewell(
  ctx: TenantCtx,
  { jobs, mails }: { jobs: readonly NotifyJob[]; mails: NewNotifications['mails'] },
): Promise<void> {
  queueMails(ctx, mails)
  try {
    await sendJobs(ctx, 'notify-jobs', jobs)
  } catch (error) {
    ctx.log.error('notices of a rule that ended wait for the sweep', error)
  }
}

function noticeOf(
  ctx: TenantCtx,
  { id, name, definition, evaluatedTo }: RuleRow,
  organization: string,
  told: RuleRow['groups'],
): AlertNotice {
  const { organizationId } = ctx.tenant
  const { publicUrl } = ctx.config
  const toMs = evaluatedTo ?? ctx.now()
  const [from, to] = [new Date(toMs - definition.window_seconds * 1000).toISOString(), new Date(toMs).toISOString()]
  const whole = logsUrl(publicUrl, { organizationId, q: definition.q, from, to })
  // Shared by all groups, so that it is short.
  const url = whole.length <= alertGroupLinkCharsMax ? whole : logsUrl(publicUrl, { organizationId, q: '', from, to })
  const { severity, description, runbook_url, q } = definition
  return boundedNotice({
    id: ctx.newId(),
    kind: 'resolved',
    organization: { id: organizationId, name: organization },
    rule: { id, name, severity, description, runbook_url, condition: conditionText(definition), q },
    from,
    to,
    groups: told.slice(0, alertNoticeGroupsMax).map(({ key, value, since_ms: since }) => {
      return { group: key, state: 'inactive', value, since: new Date(since).toISOString(), logs_url: url }
    }),
    groups_total: told.length,
    logs_url: url,
    rule_url: ruleUrl(publicUrl, { organizationId, ruleId: id }),
    logs: [],
    error: null,
  })
}
