import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type * as z from 'zod'
import { accessCookie, refreshCookie } from '../../http/authenticate.ts'
import { emptyReply, route } from '../../http/route.ts'
import type { AppEnv } from '../../http/route.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { logoutAll } from './logout_all.ts'
import { me } from './me.ts'
import { invalidRefreshToken, refresh } from './refresh.ts'
import { register } from './register.ts'
import { loginSchema, meSchema, refreshSchema, registeredSchema, registerSchema, tokensSchema } from './schema.ts'
import type { Tokens } from './session.ts'

const refreshPath = '/api/v1/auth/refresh'
const protection = { secure: true, httpOnly: true, sameSite: 'Lax' } as const

const registerRoute = route(
  {
    id: 'auth.register',
    method: 'post',
    path: '/api/v1/auth/register',
    summary: 'Create a user with an organization',
    description:
      'The answer is the same whether or not the e-mail is known; the owner of the mailbox gets a mail that tells. ' +
      'An hour takes 3 registrations of one e-mail, further ones do nothing, and 20 of one address: then 429 with Retry-After.',
    access: 'public',
    json: registerSchema,
    form: true,
    replies: { 201: registeredSchema },
    problems: ['rate_limited'],
  },
  async ({ json }, ctx) => {
    await register(ctx, json)
    const detail = 'If the e-mail is new, the account is ready: log in. Otherwise its owner was told by mail.'
    return { status: 201, body: { email: json.email, detail } }
  },
)

const loginRoute = route(
  {
    id: 'auth.login',
    method: 'post',
    path: '/api/v1/auth/login',
    summary: 'Log in with e-mail and password',
    description: 'After 5 failures of one e-mail, or 20 of one address, within 15 minutes: 429 with Retry-After.',
    access: 'public',
    json: loginSchema,
    form: true,
    replies: { 200: tokensSchema },
    problems: ['invalid_credentials', 'rate_limited'],
  },
  async ({ json: { email, password, transport } }, ctx, c) => {
    const tokens = await login(ctx, { email, password, userAgent: c.req.header('User-Agent') })
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

const meRoute = route(
  {
    id: 'auth.me',
    method: 'get',
    path: '/api/v1/auth/me',
    summary: 'The caller, with memberships and permissions',
    access: 'session',
    replies: { 200: meSchema },
    problems: [],
  },
  async (_, ctx) => ({ status: 200, body: await me(ctx) }),
)

export const authRoutes = [registerRoute, loginRoute, refreshRoute, logoutRoute, logoutAllRoute, meRoute]

/** Tokens go into the body or into cookies, never into both: what a script cannot read, it cannot leak. */
function deliver(c: Context<AppEnv>, tokens: Tokens, transport: 'bearer' | 'cookie'): z.input<typeof tokensSchema> {
  const { accessToken, accessTtlSeconds, refreshToken, refreshExpiresMs } = tokens
  const common = { transport, expires_in: accessTtlSeconds, refresh_expires_at: new Date(refreshExpiresMs).toISOString() }
  if (transport === 'bearer') return { ...common, access_token: accessToken, token_type: 'Bearer', refresh_token: refreshToken }
  setCookie(c, accessCookie, accessToken, { ...protection, path: '/', maxAge: accessTtlSeconds })
  setCookie(c, refreshCookie, refreshToken, { ...protection, path: refreshPath, expires: new Date(refreshExpiresMs) })
  return common
}

function clearCookies(c: Context<AppEnv>): void {
  deleteCookie(c, accessCookie, { ...protection, path: '/' })
  deleteCookie(c, refreshCookie, { ...protection, path: refreshPath })
}
