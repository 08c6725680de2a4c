import type { Context, Hono, MiddlewareHandler } from 'hono'
import { urlCharsMax } from '../core/limits.ts'
import { problem, ProblemError } from '../core/problems.ts'
import type { BaseCtx } from '../db/context.ts'
import { auditStaffAct } from '../db/audit.ts'
import { authorize, identify, isStaffAct } from './authenticate.ts'
import type { Guarded, Identity, Verifiers } from './authenticate.ts'
import { refuseCrossSite } from './cross_site.ts'
import { inputOf, validation } from './input.ts'
import { addressClient } from './rate_limit.ts'
import type { RateLimiter } from './rate_limit.ts'
import { isSchema } from './route.ts'
import type { AnyReply, AnyRouteSpec, AppEnv, Route } from './route.ts'

/** What src/app.ts injects, since http knows no feature. */
export interface Services extends Verifiers {
  rateLimiter: RateLimiter
}

/** Refuses an address that is too long to be routed, logged and compared. */
export const limitAddress: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.url.length > urlCharsMax) throw problem('uri_too_long', `An address may have at most ${urlCharsMax} characters.`)
  await next()
}

/** Mounts every route, the more specific path first, and behind each path a 405 for the methods it lacks. */
export function mountRoutes(app: Hono<AppEnv>, routes: readonly Route[], services: Services): void {
  const byPath = Map.groupBy(routes, (route) => route.spec.path)
  for (const path of [...byPath.keys()].toSorted(bySpecificity)) {
    const group = byPath.get(path) ?? []
    for (const one of group) app.on(one.spec.method, [path], guard(one.spec, services), ...validation(one.spec), (c) => serve(one, c))
    const allow = allowedMethods(group)
    app.all(path, (c) => {
      throw problem('method_not_allowed', `${c.req.method} is not possible here; try ${allow}.`, { headers: { Allow: allow } })
    })
  }
}

/** Who calls, and may they? */
function guard(spec: AnyRouteSpec, services: Services): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    c.get('base').log.add({ route: spec.id })
    if (spec.crossSite !== true) refuseCrossSite(c)
    c.set('ctx', await admit(c, spec, services))
    await next()
  }
}

/** Does it; only declared fields leave. */
async function serve(route: Route, c: Context<AppEnv>): Promise<Response> {
  const reply = await route.handle(inputOf(c), c.get('ctx'), c)
  // A Response from elsewhere (a Durable Object) has frozen headers; the copy keeps its WebSocket.
  return reply instanceof Response ? new Response(reply.body, reply) : render(route, reply, c)
}

/** Counts every request against its caller. */
async function admit(c: Context<AppEnv>, spec: AnyRouteSpec, services: Services): Promise<BaseCtx> {
  const base = c.get('base')
  const { access } = spec
  if (access === 'public') {
    if (!spec.unlimited) services.rateLimiter.enforce(c, addressClient(base.clientAddress))
    return base
  }
  const guarded = { ...spec, access }
  const identity = await identifyLimited(c, guarded, services)
  services.rateLimiter.enforce(
    c,
    identity.kind === 'user'
      ? { kind: 'user', id: identity.session.user.id }
      : { kind: 'api_key', id: identity.key.keyId, perMinute: identity.key.ratePerMinute },
  )
  const ctx = authorize(c, guarded, identity)
  if (identity.kind === 'api_key' && writesBesideLogs(spec))
    services.rateLimiter.enforce(c, { kind: 'key_writer', id: identity.key.tenant.organizationId })
  if (identity.kind === 'user' && isStaffAct(guarded, identity.session)) await auditStaffAct(base, identity.session, spec.id)
  return ctx
}

/** Queries are sent with POST too, and logs are counted by what they cost. */
function writesBesideLogs({ access, method }: AnyRouteSpec): boolean {
  return method !== 'get' && access !== 'logs:read' && access !== 'logs:write'
}

/**
 * Who is refused here counts by address. Refusals that cost a lookup have a count of their own, which prevents the next
 * lookup: neither a neighbour's public requests nor a forgotten shipper with a dead key lock out good callers.
 */
async function identifyLimited(c: Context<AppEnv>, spec: Guarded, services: Services): Promise<Identity> {
  const { clientAddress } = c.get('base')
  let kind: 'anonymous' | 'stranger' = 'anonymous'
  const beforeLookup = () => {
    kind = 'stranger'
    services.rateLimiter.refuseExhausted(c, addressClient(clientAddress, kind))
  }
  try {
    return await identify(c, spec, services, beforeLookup)
  } catch (error) {
    if (error instanceof ProblemError) services.rateLimiter.enforce(c, addressClient(clientAddress, kind))
    throw error
  }
}

function render({ spec }: Route, reply: AnyReply, c: Context<AppEnv>): Response {
  const declared = spec.replies[reply.status]
  if (!declared) throw new Error(`${spec.id} answered ${reply.status}, which it does not declare`)
  for (const [name, value] of Object.entries(reply.headers ?? {})) c.header(name, value)
  if (!isSchema(declared)) return c.body(null, reply.status as 204)
  c.header('Content-Type', 'application/json')
  return c.body(JSON.stringify(declared.parse(reply.body)), reply.status as 200)
}

function bySpecificity(a: string, b: string): number {
  return a.replaceAll(':', '\u{10ffff}') < b.replaceAll(':', '\u{10ffff}') ? -1 : 1
}

function allowedMethods(group: readonly Route[]): string {
  const methods = group.map((route) => route.spec.method.toUpperCase())
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].toSorted().join(', ')
}
