import { alertCatchUpMsMax, alertLateMsMax, alertNoticeTextBytesMax, alertQueryMsMax } from '../../core/limits.ts'
import { cutJson } from '../../core/json_bytes.ts'
import { ProblemError } from '../../core/problems.ts'
import { isTemporary } from '../../core/temporary.ts'
import type { TenantCtx } from '../../db/context.ts'
import { storedAlertDefinition } from '../../features/alerts/definition.ts'
import type { Moment, Observation, RuleState, Step } from '../../search/alerts/machine.ts'
import { step } from '../../search/alerts/machine.ts'
import type { DueWindows } from '../../search/alerts/windows.ts'
import { dueWindows, windowOf } from '../../search/alerts/windows.ts'
import { takeNotices } from './budget.ts'
import type { Held, Outcome } from './commit.ts'
import { commitOutcome } from './commit.ts'
import type { RuleRow } from './due.ts'
import type { Quiet, Round } from './round.ts'

type Window = ReturnType<typeof windowOf>

/** A storage did not answer: nothing is known of the window, and it comes again. */
interface Unavailable {
  readonly kind: 'unavailable'
}

/**
 * Evaluates the windows of one rule in order, and writes them as soon as something happened. `done`: all is written. `left`: the rule
 * is not ours any more, or its window comes again. A rule that nothing happened to is handed back, to be written with others.
 */
export async function evaluateOne(round: Round, row: RuleRow): Promise<'done' | 'left' | Quiet> {
  const { ctx, nowMs, lease } = round
  const startedMs = ctx.now()
  const definition = storedAlertDefinition.parse(row.definition)
  const due = dueWindows(definition, row.evaluatedTo, nowMs)
  const endMs = Math.min(round.endMs, startedMs + alertCatchUpMsMax)
  let held: Held = { row, definition, lease }
  let before = stateOf(row)
  let skipped = skippedText(due)
  for (const [i, atMs] of due.endsMs.entries()) {
    const isNewest = i === due.endsMs.length - 1
    const window = windowOf(definition, atMs)
    const seen = await observe(round, held, window)
    if (seen.kind === 'unavailable' && nowMs - atMs < alertLateMsMax + definition.delay_seconds * 1000) return 'left'
    const observation: Observation = seen.kind === 'unavailable' ? { kind: 'failed', error: 'The log store does not answer.' } : seen
    const { after, changes, notices } = await stepUnlessSilenced(round, held, before, observation, { atMs, mayRemind: isNewest })
    const isLast = isNewest || seen.kind === 'unavailable' || ctx.now() >= endMs
    const evaluatedTo = seen.kind === 'unavailable' ? null : atMs
    const outcome: Outcome = { after, evaluatedTo, atMs, changes, skipped, tookMs: ctx.now() - startedMs, isLast }
    before = after
    if (changes.length + notices.length > 0 || skipped !== null) {
      const tell = { organizationName: round.organizationName, notices, window }
      if (!(await commitOutcome(ctx, held, outcome, tell, round.run))) return 'left'
      held = { ...held, row: { ...held.row, evaluatedTo: evaluatedTo ?? held.row.evaluatedTo } }
      skipped = null
      if (isLast) return 'done'
    } else if (isLast) return { held, outcome }
  }
  return 'left'
}

function stateOf(row: RuleRow): RuleState {
  const { evaluatedVersion: version, state, stateSince, groups, groupsTruncated: truncated, error, failures, errorToldAt } = row
  return { version, state, sinceMs: stateSince, groups, truncated, error, failures, errorToldMs: errorToldAt }
}

function skippedText({ skipped, wasAhead }: DueWindows): string | null {
  if (wasAhead) return 'It was evaluated ahead of the clock, and begins anew.'
  if (skipped === null) return null
  const [from, to] = [skipped.fromMs, skipped.toMs].map((ms) => new Date(ms).toISOString())
  return `${skipped.windows} windows that ended from ${from} to ${to} were too late to be evaluated.`
}

async function observe({ ctx, evaluate, ...round }: Round, { row, definition }: Held, window: Window): Promise<Observation | Unavailable> {
  try {
    const { bytes, ...values } = await inTime(evaluate(ctx, definition, window, round.queryRun()))
    round.spend(bytes)
    return { kind: 'values', ...values }
  } catch (error) {
    return failureOf(ctx, row, error)
  }
}

/** What cannot be mended by waiting is told to people; what they are not to see is logged whole and shown as its request's id. */
function failureOf(ctx: TenantCtx, { id }: RuleRow, error: unknown): Observation | Unavailable {
  if (error instanceof ProblemError && error.code !== 'unavailable')
    return { kind: 'failed', error: cutJson(error.detail, alertNoticeTextBytesMax) }
  ctx.log.error('a query of a rule failed', error, { rule_id: id })
  if (error instanceof ProblemError || error instanceof TooLateError || isTemporary(error)) return { kind: 'unavailable' }
  return { kind: 'failed', error: `Something went wrong on our side. Quote ${ctx.requestId} to support.` }
}

class TooLateError extends Error {}

/** A shard that never answers must not keep the other rules of the message waiting for ever. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  const timer = new AbortController()
  const late = scheduler.wait(2 * alertQueryMsMax, { signal: timer.signal }).then(
    () => Promise.reject(new TooLateError('the query took too long')),
    // Aborted: the work was in time.
    () => work,
  )
  try {
    return await Promise.race([work, late])
  } finally {
    timer.abort()
  }
}

const toldLater = 'The organization was told too much in this hour: it is told of this later.'

/** Silences, and what the organization may still be told, are asked for only when there is something to tell. */
async function stepUnlessSilenced(
  round: Round,
  { row, definition }: Held,
  before: RuleState,
  observation: Observation,
  moment: Pick<Moment, 'atMs' | 'mayRemind'>,
): Promise<Step> {
  const at = { ...moment, version: row.version }
  const loud = step(definition, before, observation, { ...at, isSilenced: false })
  if (loud.changes.length + loud.notices.length === 0) return loud
  const isSilenced = await round.isSilenced(row.id, [moment.atMs, round.nowMs])
  const quiet = () => step(definition, before, observation, { ...at, isSilenced: true })
  if (isSilenced) return quiet()
  const count = loud.notices.length * definition.channel_ids.length
  if (count === 0 || (await takeNotices(round.ctx, count))) return loud
  // As a silence does, this delays what is to be told, and what is over by then is not told at all.
  const held = quiet()
  return { ...held, changes: held.changes.map((change) => ({ ...change, silenced: false, detail: change.detail ?? toldLater })) }
}
