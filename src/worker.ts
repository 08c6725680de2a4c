import { createApp } from './app.ts'
import type { Env } from './config.ts'
import { uuidv7 } from './core/ids.ts'
import { verifyApiKey } from './features/api-keys/verify.ts'
import { verifySession } from './features/auth/verify_session.ts'
import { createBase } from './http/context.ts'
import { createLog } from './http/log.ts'
import { createRateLimiter } from './http/rate_limit.ts'
import { consumeEmailJobs } from './jobs/email_jobs.ts'
import { routes } from './routes.ts'

export { LiveTail } from './objects/live-tail/object.ts'
export { LogShard } from './objects/log-shard/object.ts'

const app = createApp(routes, { verifySession, verifyApiKey, rateLimiter: createRateLimiter() })

export default {
  fetch: (request, env, ctx) => app.fetch(request, env, ctx),
  queue: (batch, env, ctx) => {
    const requestId = uuidv7(Date.now())
    const origin = { log: createLog(requestId), requestId, clientAddress: '' }
    return consumeEmailJobs(createBase(env, { ...origin, waitUntil: (work) => ctx.waitUntil(work) }), batch)
  },
} satisfies ExportedHandler<Env>
