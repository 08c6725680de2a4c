import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import { problem } from '../core/problems.ts'
import { accessCookie, refreshCookie } from './authenticate.ts'
import { mediaTypeOf } from './body.ts'
import type { AppEnv } from './route.ts'

/**
 * Refuses writes that another site may have made a browser send: those that carry our cookies, and forms, which
 * need no preflight. A header credential cannot be forged across sites, so it passes.
 */
export function refuseCrossSite(c: Context<AppEnv>): void {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return
  if (c.req.header('Authorization') !== undefined || c.req.header('X-API-Key') !== undefined) return
  const cookies = getCookie(c)
  const guarded = accessCookie in cookies || refreshCookie in cookies || mediaTypeOf(c)?.type === 'application/x-www-form-urlencoded'
  if (guarded) requireSameSite(c)
}

/** For what only our own pages may ask for, whatever the request carries: cookies. */
export function requireSameSite(c: Context<AppEnv>): void {
  if (!isSameSite(c)) throw problem('cross_site', 'This request seems to come from another site.')
}

/** Sec-Fetch-Site first, as every current browser sends it and no script can; then Origin; a client with neither is no browser. */
function isSameSite(c: Context<AppEnv>): boolean {
  const site = c.req.header('Sec-Fetch-Site')
  if (site === 'same-origin' || site === 'none') return true
  const origin = c.req.header('Origin')
  if (origin === undefined) return site === undefined
  return origin === new URL(c.req.url).origin || origin === new URL(c.get('base').config.publicUrl).origin
}
