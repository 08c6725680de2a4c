import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type * as z from 'zod'
import { accessCookie, refreshCookie } from '../../http/authenticate.ts'
import { requireSameSite } from '../../http/cross_site.ts'
import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import type { AppEnv } from '../../http/route.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { logoutAll } from './logout_all.ts'
import { invalidRefreshToken, refresh } from './refresh.ts'
import { listSessions } from './session_list.ts'
import { revokeSession } from './session_revoke.ts'
import { listSessionsQuery, loginSchema, refreshSchema, sessionPageSchema, sessionParam, tokensSchema } from './session_schema.ts'
import type { Tokens } from './session.ts'

const refreshPath = '/api/v1/auth/refresh'
const protection = { secure: true, httpOnly: true, sameSite: 'Lax' } as const

const loginRoute = route(
  {
    id: 'auth.login',
    method: 'post',
    path: '/api/v1/auth/login',
    summary: 'Log in with e-mail and password',
    description:
      'A person with a second factor sends a code along: second_factor_needed asks for it, once the password is right. ' +
      'After 5 failures of one e-mail, or 20 of one address, within 15 minutes, codes included: 429 with Retry-After.',
    access: 'public',
    json: loginSchema,
    form: true,
    replies: { 200: tokensSchema },
    problems: ['invalid_credentials', 'second_factor_needed', 'rate_limited'],
  },
  async ({ json: { email, password, transport, totp_code, recovery_code } }, ctx, c) => {
    if (transport === 'cookie') requireSameSite(c)
    const codes = { totpCode: totp_code, recoveryCode: recovery_code }
    const tokens = await login(ctx, { email, password, ...codes, userAgent: c.req.header('User-Agent') })
    return { status: 200, body: deliver(c, tokens, transport) }
  },
)

const refreshRoute = route(
  {
    id: 'auth.refresh',
    method: 'post',
    path: refreshPath,
    summary: 'Exchange a refresh token for new tokens',
    description: 'Each use replaces the token. Using one that was replaced more than ten seconds ago ends the session.',
    access: 'public',
    json: refreshSchema.optional(),
    form: true,
    replies: { 200: tokensSchema },
    problems: ['invalid_refresh_token'],
  },
  async ({ json }, ctx, c) => {
    const sent = json?.refresh_token
    const token = sent ?? getCookie(c, refreshCookie)
    if (token === undefined) throw invalidRefreshToken()
    const tokens = await refresh(ctx, token)
    return { status: 200, body: deliver(c, tokens, sent === undefined ? 'cookie' : 'bearer') }
  },
)

const logoutRoute = route(
  {
    id: 'auth.logout',
    method: 'post',
    path: '/api/v1/auth/logout',
    summary: 'End this session',
    access: 'session',
    replies: { 204: emptyReply('The session is over') },
    problems: [],
  },
  async (_, ctx, c) => {
    await logout(ctx)
    clearCookies(c)
    return { status: 204 }
  },
)

const logoutAllRoute = route(
  {
    id: 'auth.logout_all',
    method: 'post',
    path: '/api/v1/auth/logout-all',
    summary: 'End all sessions of the caller',
    access: 'session',
    replies: { 204: emptyReply('All sessions are over') },
    problems: [],
  },
  async (_, ctx, c) => {
    await logoutAll(ctx)
    clearCookies(c)
    return { status: 204 }
  },
)

const listRoute = route(
  {
    id: 'sessions.list',
    method: 'get',
    path: '/api/v1/auth/sessions',
    summary: 'Where the caller is logged in',
    access: 'session',
    query: listSessionsQuery,
    replies: { 200: sessionPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listSessions(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const revokeRoute = route(
  {
    id: 'sessions.delete',
    method: 'delete',
    path: '/api/v1/auth/sessions/:id',
    summary: 'End one session of the caller',
    description: 'Its access tokens and its refresh token stop at once, and its live tails end.',
    access: 'session',
    param: sessionParam,
    replies: { 204: emptyReply('The session is over') },
    problems: ['not_found'],
  },
  async ({ param }, ctx, c) => {
    await revokeSession(ctx, param.id)
    if (param.id === ctx.sessionId) clearCookies(c)
    return { status: 204 }
  },
)

export const sessionRoutes = [loginRoute, refreshRoute, logoutRoute, logoutAllRoute, listRoute, revokeRoute]

/** Tokens go into the body or into cookies, never into both: what a script cannot read, it cannot leak. */
function deliver(c: Context<AppEnv>, tokens: Tokens, transport: 'bearer' | 'cookie'): z.input<typeof tokensSchema> {
  const { accessToken, accessTtlSeconds, refreshToken, refreshExpiresMs } = tokens
  const common = { transport, expires_in: accessTtlSeconds, refresh_expires_at: new Date(refreshExpiresMs).toISOString() }
  if (transport === 'bearer') return { ...common, access_token: accessToken, token_type: 'Bearer', refresh_token: refreshToken }
  setCookie(c, accessCookie, accessToken, { ...protection, path: '/', maxAge: accessTtlSeconds })
  setCookie(c, refreshCookie, refreshToken, { ...protection, path: refreshPath, expires: new Date(refreshExpiresMs) })
  return common
}

/** Takes from a browser what has ended. */
export function clearCookies(c: Context<AppEnv>): void {
  deleteCookie(c, accessCookie, { ...protection, path: '/' })
  deleteCookie(c, refreshCookie, { ...protection, path: refreshPath })
}
