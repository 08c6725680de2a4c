import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from './route.ts'

/** What a page of ours could ask a browser for, and never does. */
const unusedFeatures = ['accelerometer', 'camera', 'display-capture', 'geolocation', 'gyroscope', 'microphone', 'midi', 'payment', 'usb']

/** Exported for the test that looks at every answer. */
export const securityHeaderValues: Readonly<Record<string, string>> = {
  // The API shows no page: nothing may load, frame, run or be sent. Pages set their own policy.
  'Content-Security-Policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  // A year; browsers heed it on https only.
  'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Permissions-Policy': unusedFeatures.map((feature) => `${feature}=()`).join(', '),
  'Cross-Origin-Opener-Policy': 'same-origin',
  // Scripts of other origins come by CORS, which this does not concern; no other page may embed an answer.
  'Cross-Origin-Resource-Policy': 'same-origin',
  // Private unless a route says otherwise.
  'Cache-Control': 'no-store',
}

/** Adds what a route has not set itself. Outermost, so that it is on every answer, whatever fails within. */
export const securityHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next()
  for (const [name, value] of Object.entries(securityHeaderValues)) {
    if (!c.res.headers.has(name)) c.res.headers.set(name, value)
  }
}
