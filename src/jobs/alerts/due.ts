import { and, asc, eq, gt, inArray, isNull, lte, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { AlertJob } from '../../core/jobs.ts'
import {
  alertAheadMsMax,
  alertCostlyMs,
  alertCostlyRestMs,
  alertDispatchMsPerOrganizationMax,
  alertDispatchRulesMax,
  alertFailuresToldMin,
  alertFirstRunMs,
  alertLeaseMs,
  alertRulesPerJobMax,
} from '../../core/limits.ts'
import type { BaseCtx, TenantCtx } from '../../db/context.ts'
import { sendJobs } from '../../db/jobs.ts'
import { isLeaseFree } from '../../db/lease.ts'
import { ofLiveAccount, ofLiveOrganization } from '../../db/live.ts'
import { accounts, organizations } from '../../db/schema.ts'
import { alertRules } from '../../db/schema_alerts.ts'
import { inTenant } from '../../db/tenant.ts'

export type RuleRow = typeof alertRules.$inferSelect

/**
 * Condition: the end of a window of the rule has passed, its late logs have been waited for, and nobody is at it. It says what
 * search/alerts/windows.ts says.
 */
function isDue(nowMs: number): SQL {
  // Whole numbers, so that the division is one.
  const now = sql`cast(${nowMs} as integer)`
  const step = sql`(${alertRules.intervalSeconds} * 1000)`
  const newest = sql`((${now} - ${alertRules.delaySeconds} * 1000) / ${step} * ${step})`
  const { evaluatedTo } = alertRules
  const isLate = sql`${evaluatedTo} / ${step} * ${step} + ${step} <= ${newest}`
  const isOver = or(isNull(evaluatedTo), isLate, gt(evaluatedTo, nowMs + alertAheadMsMax))
  return and(eq(alertRules.enabled, true), isOver, hasRested(nowMs), isLeaseFree(alertRules.leaseUntil, nowMs, alertLeaseMs)) ?? sql`false`
}

/**
 * Condition: unless the rule failed again and again, and took long for it, or it was left alone for a while since. One that was
 * changed is tried at once, and what lies ahead of the clock was not a moment ago.
 */
function hasRested(nowMs: number): SQL {
  const { failures, evaluationMs, evaluatedAt, evaluatedVersion, version } = alertRules
  const isCostly = sql`${failures} >= ${alertFailuresToldMin} and coalesce(${evaluationMs}, 0) >= ${alertCostlyMs}`
  const isFresh = sql`coalesce(${evaluatedAt}, 0) > ${nowMs - alertCostlyRestMs} and ${evaluatedAt} <= ${nowMs}`
  return sql`not (${isCostly} and ${isFresh} and coalesce(${evaluatedVersion}, 0) = ${version})`
}

/**
 * Sends the rules that are due to the queue, some of one organization a message. Organizations take turns, message by message, and
 * each has so much of the minute as its rules took the last time: however late those of one are, the others do not wait for them.
 * A rule that waits in the queue already is sent again: the lease lets one message have it, and finds it done for the others.
 */
export async function dispatchAlerts(ctx: BaseCtx): Promise<void> {
  const { organizationId, id, evaluatedTo, evaluationMs } = alertRules
  const turn = sql`over (partition by ${organizationId} order by ${evaluatedTo}, ${id} rows unbounded preceding)`
  const due = ctx.db
    .select({
      organizationId,
      id,
      evaluatedTo,
      place: sql<number>`row_number() ${turn} - 1`.as('place'),
      spentMs: sql<number>`sum(coalesce(${evaluationMs}, ${alertFirstRunMs})) ${turn}`.as('spent_ms'),
    })
    .from(alertRules)
    .innerJoin(organizations, ofLiveOrganization(organizationId))
    .innerJoin(accounts, ofLiveAccount)
    .where(isDue(ctx.now()))
    .as('due')
  const rules = await ctx.db
    .select({ organizationId: due.organizationId, id: due.id })
    .from(due)
    .where(or(eq(due.place, 0), lte(due.spentMs, alertDispatchMsPerOrganizationMax)))
    .orderBy(sql`${due.place} / ${sql.raw(String(alertRulesPerJobMax))}`, asc(due.evaluatedTo), asc(due.place))
    .limit(alertDispatchRulesMax)
  await sendJobs(ctx, 'alert-jobs', jobsOf(rules))
}

/** The messages for these rules, in their order. */
export function jobsOf(rules: readonly Pick<RuleRow, 'organizationId' | 'id'>[]): Extract<AlertJob, { kind: 'evaluate' }>[] {
  const jobs: Extract<AlertJob, { kind: 'evaluate' }>[] = []
  const open = new Map<string, string[]>()
  for (const { organizationId, id } of rules) {
    const ids = open.get(organizationId)
    if (ids !== undefined && ids.length < alertRulesPerJobMax) {
      ids.push(id)
      continue
    }
    const fresh = [id]
    open.set(organizationId, fresh)
    jobs.push({ kind: 'evaluate', organization_id: organizationId, rule_ids: fresh })
  }
  return jobs
}

/** Who evaluates some rules, and until when others keep away. */
export interface Lease {
  readonly id: string
  readonly untilMs: number
}

/** Takes those of the rules that are due, in one statement, so that of several messages one has each; those that wait longest first. */
export async function claimRules(ctx: TenantCtx, ids: readonly string[], lease: Lease, nowMs: number): Promise<RuleRow[]> {
  const claimed = await ctx.db
    .update(alertRules)
    .set({ leaseId: lease.id, leaseUntil: lease.untilMs })
    .where(inTenant(ctx, alertRules, inArray(alertRules.id, [...ids]), isDue(nowMs)))
    .returning()
  return claimed.toSorted((a, b) => (a.evaluatedTo ?? 0) - (b.evaluatedTo ?? 0))
}

/** Lets others have the rules that this lease still holds. */
export async function releaseRules(ctx: TenantCtx, ids: readonly string[], lease: Lease): Promise<void> {
  await ctx.db
    .update(alertRules)
    .set({ leaseUntil: 0 })
    .where(inTenant(ctx, alertRules, inArray(alertRules.id, [...ids]), eq(alertRules.leaseId, lease.id), gt(alertRules.leaseUntil, 0)))
}

/** Condition: the rule is still ours, and is what was evaluated, from where it was. */
export function isOurs(ctx: TenantCtx, { id, version, evaluatedTo }: Pick<RuleRow, 'id' | 'version' | 'evaluatedTo'>, lease: Lease): SQL {
  const at = evaluatedTo === null ? isNull(alertRules.evaluatedTo) : eq(alertRules.evaluatedTo, evaluatedTo)
  return inTenant(ctx, alertRules, eq(alertRules.id, id), eq(alertRules.version, version), eq(alertRules.leaseId, lease.id), at)
}
