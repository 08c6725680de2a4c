import { Hono } from 'hono'
import { problem } from './core/problems.ts'
import { requestContext } from './http/context.ts'
import { crossOrigin } from './http/cors.ts'
import { limitAddress, mountRoutes } from './http/mount.ts'
import type { Services } from './http/mount.ts'
import { renderError } from './http/problem.ts'
import type { AppEnv, Route } from './http/route.ts'
import { securityHeaders } from './http/security_headers.ts'

/** Middleware in order, then every route; built once an isolate. */
export function createApp(routes: readonly Route[], services: Services): Hono<AppEnv> {
  const app = new Hono<AppEnv>({ strict: false })
  app.onError(renderError)
  app.notFound(() => {
    throw problem('not_found', 'There is nothing at this address.')
  })
  app.use(securityHeaders, requestContext, crossOrigin, limitAddress)
  mountRoutes(app, routes, services)
  return app
}
