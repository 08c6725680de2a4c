import { cors } from 'hono/cors'
import type { AppEnv } from './route.ts'
import type { MiddlewareHandler } from 'hono'

/** How long a browser may remember a preflight answer; browsers cap it at two hours or less. */
const preflightSeconds = 7200

/** Scripts of any allowed origin may call with a bearer token or a key; never with cookies. */
export const crossOrigin: MiddlewareHandler<AppEnv> = cors({
  origin: (origin, c) => {
    const allowed = (c.get('base') as AppEnv['Variables']['base']).config.allowedOrigins
    if (allowed === '*') return '*'
    return allowed.includes(origin) ? origin : null
  },
  allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowHeaders: [
    'Authorization',
    'X-API-Key',
    'X-Organization-Id',
    'X-Request-Id',
    'Content-Type',
    'Content-Encoding',
    'Idempotency-Key',
    'If-Match',
  ],
  exposeHeaders: [
    'X-Request-Id',
    'RateLimit-Limit',
    'RateLimit-Remaining',
    'RateLimit-Reset',
    'Retry-After',
    'Idempotency-Replayed',
    'Content-Disposition',
    'ETag',
  ],
  maxAge: preflightSeconds,
})
