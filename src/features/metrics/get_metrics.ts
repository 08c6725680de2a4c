import { createHash, timingSafeEqual } from 'node:crypto'
import { meterName } from '../../core/cost_meter.ts'
import { problem } from '../../core/problems.ts'
import type { ScheduleName } from '../../core/schedules.ts'
import type { BaseCtx } from '../../db/context.ts'
import { renderMetrics } from './exposition.ts'
import { metricFamilies } from './families.ts'
import { jobFamilies } from './read_jobs.ts'

/**
 * What the deployment counted, for Prometheus, to who knows the secret METRICS_TOKEN. Throws 404 where there is no such
 * secret, and 401 for a wrong one.
 */
export async function getMetrics(ctx: BaseCtx, schedules: readonly ScheduleName[], authorization: string | undefined): Promise<string> {
  const { metricsToken } = ctx.config
  if (metricsToken === undefined) throw problem('not_found', 'There is nothing at this address.')
  if (!isToken(authorization, metricsToken)) throw problem('unauthenticated', 'Send the metrics token as a bearer token.')
  const [totals, jobs] = await Promise.all([ctx.env.METER.getByName(meterName).totals(), jobFamilies(ctx, schedules)])
  return renderMetrics([...metricFamilies(totals), ...jobs])
}

/** Compares hashes, in the same time whatever the header holds. */
function isToken(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(given), hash(token))
}
