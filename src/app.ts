import { Hono } from 'hono'
import { problem } from './core/problems.ts'
import { verifyApiKey } from './features/api-keys/verify.ts'
import { verifySession } from './features/auth/verify_session.ts'
import { requestContext } from './http/context.ts'
import { crossOrigin } from './http/cors.ts'
import { mountRoutes } from './http/mount.ts'
import { renderError } from './http/problem.ts'
import { createRateLimiter } from './http/rate_limit.ts'
import type { AppEnv } from './http/route.ts'
import { securityHeaders } from './http/security_headers.ts'
import { routes } from './routes.ts'

/** Middleware in order, then every route; built once an isolate. */
export function createApp(): Hono<AppEnv> {
  const app = new Hono<AppEnv>({ strict: false })
  app.onError(renderError)
  app.notFound(() => {
    throw problem('not_found', 'There is nothing at this address.')
  })
  app.use(requestContext, securityHeaders, crossOrigin)
  mountRoutes(app, routes, { verifySession, verifyApiKey, rateLimiter: createRateLimiter() })
  return app
}
