import { createApp } from './app.ts'
import type { Env } from './config.ts'
import { verifyApiKey } from './features/api-keys/verify.ts'
import { verifySession } from './features/auth/verify_session.ts'
import { createRateLimiter } from './http/rate_limit.ts'
import { routes } from './routes.ts'

export { LiveTail } from './objects/live-tail/object.ts'
export { LogShard } from './objects/log-shard/object.ts'

const app = createApp(routes, { verifySession, verifyApiKey, rateLimiter: createRateLimiter() })

export default {
  fetch: (request, env, ctx) => app.fetch(request, env, ctx),
} satisfies ExportedHandler<Env>
