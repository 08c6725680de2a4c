import { sql } from 'drizzle-orm'
import type { NotifyJob } from '../../core/jobs.ts'
import type { TenantCtx } from '../../db/context.ts'
import { sendJobs } from '../../db/jobs.ts'
import { queueMails } from '../../db/mails.ts'
import type { NewMail } from '../../db/mails.ts'
import { alertHistory, alertRules } from '../../db/schema_alerts.ts'
import { newNotifications } from '../../features/notification-channels/new_notifications.ts'
import { newNotice } from '../../search/alerts/notice.ts'
import type { Change, RuleState, Told } from '../../search/alerts/machine.ts'
import type { QueryRun } from '../../search/query_run.ts'
import type { AlertDefinition } from '../../features/alerts/definition.ts'
import { cappedLines, linesWithRoom } from './budget.ts'
import type { Lease, RuleRow } from './due.ts'
import { isOurs } from './due.ts'

/** What an evaluation leaves: written in one batch, or not at all. */
export interface Outcome {
  readonly after: RuleState
  /** Null after a failure that is tried again: the window is not done. */
  readonly evaluatedTo: number | null
  readonly atMs: number
  readonly changes: readonly Change[]
  /** Windows that were left out, and why. */
  readonly skipped: string | null
  readonly tookMs: number
  /** Nothing of the rule is left to do: others may have it. */
  readonly isLast: boolean
}

/** The rule that an outcome is of, as it was before. */
export interface Held {
  readonly row: RuleRow
  readonly definition: AlertDefinition
  readonly lease: Lease
}

/** The statement that writes the state. It comes last in its batch: what goes before asks for the state from before. */
export function stateStatement(ctx: TenantCtx, { row, lease }: Held, { after, evaluatedTo, tookMs, isLast }: Outcome) {
  return ctx.db
    .update(alertRules)
    .set({
      state: after.state,
      stateSince: after.sinceMs,
      evaluatedTo: evaluatedTo ?? row.evaluatedTo,
      evaluatedAt: ctx.now(),
      evaluationMs: tookMs,
      error: after.error,
      failures: after.failures,
      groups: [...after.groups],
      evaluatedVersion: after.version,
      groupsTruncated: after.truncated,
      errorToldAt: after.errorToldMs,
      ...(isLast && { leaseUntil: 0 }),
    })
    .where(isOurs(ctx, row, lease))
}

/** What is to be told, with the rows that carry it to the channels. */
export interface Telling {
  readonly organizationName: string
  readonly notices: readonly Told[]
  readonly window: { fromMs: number; toMs: number }
}

/**
 * Writes an outcome with its history and notifications, and sends these on their way; answers false when the rule is not ours any
 * more, or was changed meanwhile: then nothing is written.
 */
export async function commitOutcome(ctx: TenantCtx, held: Held, outcome: Outcome, tell: Telling, run: QueryRun): Promise<boolean> {
  const { row, definition, lease } = held
  const source = sql`from ${alertRules} where ${isOurs(ctx, row, lease)}`
  const jobs: NotifyJob[] = []
  const mails: NewMail[] = []
  const rows = []
  for (const { kind, groups, error } of tell.notices) {
    const rule = { id: row.id, name: row.name, definition }
    const notice = await newNotice(ctx, { organizationName: tell.organizationName, rule, kind, groups, error, window: tell.window }, run)
    const added = await newNotifications(ctx, { ruleId: row.id, notice, channelIds: definition.channel_ids, source })
    rows.push(...added.statements)
    jobs.push(...added.jobs)
    mails.push(...added.mails)
  }
  const lines = await linesWithRoom(ctx, cappedLines(linesOf(held, outcome)))
  const written = await ctx.db.batch([
    historyStatement(ctx, held, { lines, atMs: outcome.atMs }),
    ...rows,
    stateStatement(ctx, held, outcome),
  ])
  const isDone = changesOf(written.at(-1)) > 0
  if (!isDone) return false
  queueMails(ctx, mails)
  // What a queue in trouble does not take waits in D1 for the sweeps.
  await sendJobs(ctx, 'notify-jobs', uniqueJobs(jobs))
  return true
}

/** Rows that a statement of a batch changed. */
export function changesOf(result: unknown): number {
  return (result as D1Result).meta.changes
}

function linesOf({ row }: Held, { changes, skipped }: Outcome): readonly Change[] {
  return skipped === null
    ? changes
    : [{ group: {}, from: row.state, to: row.state, value: null, detail: skipped, silenced: false }, ...changes]
}

/** All lines of the history as one statement and one parameter, however many groups changed. */
export function historyStatement(
  ctx: TenantCtx,
  { row, lease }: Pick<Held, 'row' | 'lease'>,
  { lines: changes, atMs }: { lines: readonly Change[]; atMs: number },
) {
  const { organizationId } = ctx.tenant
  const lines = changes.map((change) => ({ id: ctx.newId(), ...change, silenced: Number(change.silenced) }))
  const of = (name: keyof (typeof lines)[number]) => sql.raw(`json_extract(line.value, '$.${name}')`)
  return ctx.db.insert(alertHistory).select(
    // In the order of the table's columns, as drizzle wants it. A value is JSON, null where there is none.
    sql`select ${organizationId}, ${row.id}, ${of('id')}, ${atMs}, ${of('group')}, ${of('from')}, ${of('to')},
        case when ${of('value')} is null then null else json_quote(${of('value')}) end, ${of('detail')}, ${of('silenced')}, ${ctx.now()}
      from json_each(${JSON.stringify(lines)}) line where exists (select 1 from ${alertRules} where ${isOurs(ctx, row, lease)})`,
  )
}

function uniqueJobs(jobs: readonly NotifyJob[]): NotifyJob[] {
  return [...new Map(jobs.map((job) => [JSON.stringify(job), job])).values()]
}
