import type { AlertGroupKey, AlertGroupState, AlertNotice, AlertNoticeKind } from '../../core/alerts.ts'
import {
  alertGroupLinkCharsMax,
  alertNoticeGroupsMax,
  alertNoticeLinkCharsMax,
  alertSampleGroupsMax,
  alertSampleLogsMax,
  alertSampleMessageCharsMax,
  queryBytesMax,
} from '../../core/limits.ts'
import { logsUrl, ruleUrl } from '../../core/links.ts'
import { boundedNotice } from '../../core/notice_bounds.ts'
import { formatTimestamp } from '../../core/time.ts'
import type { TenantCtx } from '../../db/context.ts'
import type { TimeRange } from '../../engine/query/types.ts'
import type { AlertDefinition } from '../../features/alerts/definition.ts'
import { conditionText } from '../../features/alerts/definition.ts'
import type { QueryRun } from '../query_run.ts'
import { allOf, quoted } from '../query_text.ts'
import { isWholeValue } from './group_key.ts'
import { searchLogs } from '../search.ts'

/** What a notice says of the rule that it is about. */
export interface NoticeOf {
  readonly organizationName: string
  readonly rule: { readonly id: string; readonly name: string; readonly definition: AlertDefinition }
  readonly kind: AlertNoticeKind
  readonly groups: readonly AlertGroupState[]
  readonly error: string | null
  readonly window: TimeRange
}

/** A notice with links to the logs that caused it, and some of them. */
export async function newNotice(ctx: TenantCtx, of: NoticeOf, run?: QueryRun): Promise<AlertNotice> {
  const { rule, kind, groups, window, error } = of
  const { organizationId } = ctx.tenant
  const { definition } = rule
  const { publicUrl } = ctx.config
  const from = formatTimestamp(window.fromMs, 0)
  const to = formatTimestamp(window.toMs, 0)
  const urlOf = (q: string) => logsUrl(publicUrl, { organizationId, q, from, to })
  return boundedNotice({
    id: ctx.newId(),
    kind,
    organization: { id: organizationId, name: of.organizationName },
    rule: {
      id: rule.id,
      name: rule.name,
      severity: definition.severity,
      description: definition.description,
      runbook_url: definition.runbook_url,
      condition: conditionText(definition),
      q: definition.q,
    },
    from,
    to,
    groups: groups.slice(0, alertNoticeGroupsMax).map(({ key, state, value, since_ms: since }) => ({
      group: key,
      state,
      value,
      since: formatTimestamp(since, 0),
      logs_url: fitting([queryOfGroups(definition.q, [key]), queryOfGroups('', [key])].map(urlOf), alertGroupLinkCharsMax, urlOf('')),
    })),
    groups_total: groups.length,
    logs_url: fitting([causeQuery(definition.q, groups), definition.q].map(urlOf), alertNoticeLinkCharsMax, urlOf('')),
    rule_url: ruleUrl(publicUrl, { organizationId, ruleId: rule.id }),
    logs: kind === 'error' || kind === 'resolved' || kind === 'nodata' ? [] : await sampleLogs(ctx, of, { from, to }, run),
    error,
  })
}

/** The first of the links that is short enough; each leads to more logs than the one before it. */
function fitting(urls: readonly string[], charsMax: number, widest: string): string {
  return urls.find((url) => url.length <= charsMax) ?? widest
}

/** The newest logs of the window and the groups. A notice goes out without them when they cannot be read. */
async function sampleLogs(
  ctx: TenantCtx,
  { rule, groups }: NoticeOf,
  range: { from: string; to: string },
  run?: QueryRun,
): Promise<AlertNotice['logs']> {
  const q = causeQuery(rule.definition.q, groups)
  try {
    const { results } = await searchLogs(ctx, { q, ...range, order: 'newest', limit: alertSampleLogsMax }, run)
    return results.map(({ id, timestamp, severity, source, message }) => {
      return { id, timestamp, severity, source, message: message.slice(0, alertSampleMessageCharsMax) }
    })
  } catch (error) {
    ctx.log.error('a notice has no logs', error, { rule_id: rule.id })
    return []
  }
}

function causeQuery(q: string, groups: readonly AlertGroupState[]): string {
  return queryOfGroups(
    q,
    groups.slice(0, alertSampleGroupsMax).map(({ key }) => key),
  )
}

/** The logs of some groups; all that the rule looks at where these take more text than a query may have. */
export function queryOfGroups(q: string, keys: readonly AlertGroupKey[]): string {
  const filters = keys.map((key) => allOf(Object.entries(key).map(([field, value]) => fieldIs(field, value))))
  if (filters.length === 0 || filters.includes('')) return q
  const narrowed = allOf([q, filters.map((filter) => (filters.length === 1 ? filter : `(${filter})`)).join(' OR ')])
  return Buffer.byteLength(narrowed) > queryBytesMax ? q : narrowed
}

/** A value that was cut is any. */
function fieldIs(field: string, value: string | null): string {
  if (value !== null && !isWholeValue(value)) return `${quoted(field)}:*`
  return value === null ? `NOT ${quoted(field)}:*` : `${quoted(field)}:=${quoted(value)}`
}
