import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from './route.ts'

const headers: Readonly<Record<string, string>> = {
  // The API shows no page: nothing may load, frame or run. Pages set their own policy.
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Strict-Transport-Security': 'max-age=63072000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'cross-origin',
  // Private unless a route says otherwise.
  'Cache-Control': 'no-store',
}

/** Adds what a route has not set itself. */
export const securityHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next()
  for (const [name, value] of Object.entries(headers)) {
    if (!c.res.headers.has(name)) c.res.headers.set(name, value)
  }
}
