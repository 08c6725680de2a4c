import { dateOf, dayOf } from '../../core/calendar.ts'
import { usageDaysDefault, usageDaysMax, usageSourcesPerDayMax, usageSourcesShownMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import type { BatchUsage } from '../../core/usage.ts'
import { addUsage, newUsageSum, usageOf } from '../../core/usage_sum.ts'
import type { UsageSum } from '../../core/usage_sum.ts'
import type { TenantCtx } from '../../db/context.ts'
import { askAll, shardsOf } from '../shards.ts'
import { parseRange } from '../time_range.ts'

/** What the organization sent, and what became of it: by day in UTC, both bounds included, over all of its shards. */
export async function usageOfLogs(ctx: TenantCtx, { from, to }: { from?: string | undefined; to?: string | undefined }) {
  const { fromDay, toDay } = daysBetween(from, to, ctx.now())
  const shards = await shardsOf(ctx)
  const replies = await askAll(ctx, shards, async ({ rpc, identity }) => ({ days: await rpc.usage(identity, fromDay, toDay) }))
  const total = newUsageSum()
  const days = new Map<number, UsageSum>()
  for (const { day, usage } of replies.flatMap((reply) => reply.days)) {
    const sum = days.get(day) ?? newUsageSum()
    days.set(day, sum)
    addUsage(sum, usage, Infinity)
    addUsage(total, usage, Infinity)
  }
  return {
    from: dateOf(fromDay),
    to: dateOf(toDay),
    total: usageJson(total, usageSourcesPerDayMax),
    days: [...days].toSorted(([a], [b]) => a - b).map(([day, sum]) => ({ day: dateOf(day), ...usageJson(sum, usageSourcesShownMax) })),
  }
}

function daysBetween(from: string | undefined, to: string | undefined, nowMs: number) {
  const { fromMs, toMs } = parseRange(from ?? `now-${usageDaysDefault}d`, to ?? 'now', nowMs)
  const fromDay = dayOf(fromMs)
  // A date as `to` means the end of its day, which is the first moment of the next.
  const toDay = Math.max(fromDay, dayOf(toMs - 1))
  if (toDay - fromDay >= usageDaysMax) {
    const detail = `A call covers at most ${usageDaysMax} days.`
    throw problem('validation_failed', detail, { details: { from: [detail] } })
  }
  return { fromDay, toDay }
}

function usageJson(sum: UsageSum, sourcesMax: number) {
  const { received, stored, rejected, sources } = usageOf(sum, sourcesMax)
  const named = withOthers(stored, sources)
  return { received, stored, rejected, sources: named }
}

/** The sources, and what is stored of others; nothing where the named ones are all. */
function withOthers(stored: BatchUsage['stored'], sources: BatchUsage['sources']) {
  const named = sources.reduce((sum, { rows, bytes }) => ({ rows: sum.rows + rows, bytes: sum.bytes + bytes }), { rows: 0, bytes: 0 })
  const others = { source: null, rows: stored.rows - named.rows, bytes: stored.bytes - named.bytes }
  return others.rows > 0 ? [...sources, others] : sources
}
