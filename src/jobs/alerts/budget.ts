import { sql } from 'drizzle-orm'
import { alertHistoryLinesMax, alertHistoryLinesPerHourMax, alertNoticesPerHourMax } from '../../core/limits.ts'
import type { TenantCtx } from '../../db/context.ts'
import { alertBudgets } from '../../db/schema_alerts.ts'
import type { Change } from '../../search/alerts/machine.ts'

const hourMs = 60 * 60 * 1000

/** The lines of history of one evaluation that are written: those beyond what one may write are counted in a line of their own. */
export function cappedLines(lines: readonly Change[]): readonly Change[] {
  const more = lines.length - alertHistoryLinesMax
  return more <= 0 ? lines : [...lines.slice(0, alertHistoryLinesMax), lineOf(lines, `${more} more groups changed their state.`)]
}

/** Those that the organization has room for in this hour. The first one that has none is a line that says so. */
export async function linesWithRoom(ctx: TenantCtx, lines: readonly Change[]): Promise<readonly Change[]> {
  if (lines.length === 0) return lines
  const before = (await spend(ctx, { history: lines.length, notices: 0 })).history - lines.length
  return linesWithin(lines, alertHistoryLinesPerHourMax - before, new Date((hourOf(ctx) + 1) * hourMs).toISOString())
}

/** `room`: how many more may be written in the hour that ends with `until`. */
export function linesWithin(lines: readonly Change[], room: number, until: string): readonly Change[] {
  if (lines.length <= room) return lines
  if (room <= 0) return []
  const text = `The rules of the organization change their state too often: what else happens before ${until} is not written down.`
  return [...lines.slice(0, room - 1), lineOf(lines, text)]
}

/** Whether the organization may tell so much more in this hour, which it has told then: a notice to a channel is one. */
export async function takeNotices(ctx: TenantCtx, count: number): Promise<boolean> {
  return (await spend(ctx, { history: 0, notices: count })).notices - count < alertNoticesPerHourMax
}

/** Counts with one statement, so that messages that run at the same time share one budget; answers what the hour has seen by then. */
async function spend(ctx: TenantCtx, amounts: { history: number; notices: number }): Promise<{ history: number; notices: number }> {
  const of = (name: 'history' | 'notices') =>
    sql`case when ${alertBudgets.hour} = excluded.hour then ${alertBudgets[name]} + excluded.${sql.raw(name)} else excluded.${sql.raw(name)} end`
  const [row] = await ctx.db
    .insert(alertBudgets)
    .values({ organizationId: ctx.tenant.organizationId, hour: hourOf(ctx), ...amounts })
    .onConflictDoUpdate({
      target: alertBudgets.organizationId,
      set: { history: of('history'), notices: of('notices'), hour: sql`excluded.hour` },
    })
    .returning({ history: alertBudgets.history, notices: alertBudgets.notices })
  return row ?? amounts
}

function hourOf(ctx: TenantCtx): number {
  return Math.floor(ctx.now() / hourMs)
}

/** A line of the rule as a whole; it stands where the last of these left it. */
function lineOf(lines: readonly Change[], detail: string): Change {
  const state = lines.at(-1)?.to ?? 'inactive'
  return { group: {}, from: state, to: state, value: null, detail, silenced: false }
}
