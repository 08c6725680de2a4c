import type { Context, Hono } from 'hono'
import { problem } from '../core/problems.ts'
import { authenticate } from './authenticate.ts'
import type { Verifiers } from './authenticate.ts'
import { refuseCrossSite } from './cross_site.ts'
import { readRequest } from './input.ts'
import { isSchema } from './route.ts'
import type { AnyReply, AppEnv, Route } from './route.ts'

/** Mounts every route, the more specific path first, and behind each path a 405 for the methods it lacks. */
export function mountRoutes(app: Hono<AppEnv>, routes: readonly Route[], verifiers: Verifiers): void {
  const byPath = Map.groupBy(routes, (route) => route.spec.path)
  for (const path of [...byPath.keys()].toSorted(bySpecificity)) {
    const group = byPath.get(path) ?? []
    for (const one of group) app.on(one.spec.method, [path], (c) => serve(one, c, verifiers))
    const allow = allowedMethods(group)
    app.all(path, (c) => {
      throw problem('method_not_allowed', `${c.req.method} is not possible here; try ${allow}.`, { headers: { Allow: allow } })
    })
  }
}

/** One request to one route: who, may they, what, do it, and only declared fields leave. */
async function serve(route: Route, c: Context<AppEnv>, verifiers: Verifiers): Promise<Response> {
  const { spec } = route
  c.get('base').log.add({ route: spec.id })
  refuseCrossSite(c)
  const ctx = await authenticate(c, spec.access, verifiers)
  const input = await readRequest(c, spec)
  const reply = await route.handle(input, ctx, c)
  return reply instanceof Response ? reply : render(route, reply, c)
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
