import { createApp } from './app.ts'
import type { Env } from './config.ts'
import { verifyApiKey } from './features/api-keys/verify.ts'
import { verifySession } from './features/auth/verify_session.ts'
import { runJob } from './http/context.ts'
import { createRateLimiter } from './http/rate_limit.ts'
import { consumeJobs } from './jobs/consume.ts'
import { dispatch } from './jobs/dispatch.ts'
import { runSchedules } from './jobs/schedule_run.ts'
import { schedules } from './jobs/schedules.ts'
import { routes } from './routes.ts'

export { LiveTail } from './objects/live-tail/object.ts'
export { LogShard } from './objects/log-shard/object.ts'
export { Meter } from './objects/meter/object.ts'
export { SegmentScan } from './search/segment_scan.ts'

const app = createApp(routes, { verifySession, verifyApiKey, rateLimiter: createRateLimiter() })

export default {
  fetch: (request, env, ctx) => app.fetch(request, env, ctx),
  queue: (batch, env, ctx) =>
    runJob(
      env,
      `queue.${batch.queue}`,
      (work) => ctx.waitUntil(work),
      (base) => consumeJobs(base, batch, dispatch),
    ),
  scheduled: ({ cron }, env, ctx) =>
    runJob(
      env,
      `schedule.${cron}`,
      (work) => ctx.waitUntil(work),
      (base) => runSchedules(base, cron, schedules),
    ),
} satisfies ExportedHandler<Env>
