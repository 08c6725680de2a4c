import * as z from 'zod'
import { routes } from '../../../src/routes.ts'
import type { AnyRouteSpec } from '../../../src/http/route.ts'
import { validBody } from './access_attacks.ts'
import { contractOf } from './refusal.ts'
import type { Attack, Wanted } from './refusal.ts'
import { fillPath, missingId, querySamples } from './samples.ts'
import { openPathOf, send } from './stage.ts'
import type { Stage } from './stage.ts'

const invalid: Wanted = { status: 400, code: 'validation_failed' }

const wrongValues = [
  '',
  '-1',
  '0',
  '1e9',
  '0x10',
  '1.5',
  '999999999999999999999',
  'NaN',
  'Infinity',
  'null',
  '[object Object]',
  '__proto__',
  '%00',
  '%0d%0aX-Injected:%201',
  '%ff',
  '%ed%a0%80',
  '%',
  '%u0041',
  "'%20OR%201=1--",
  '../../etc/passwd',
  '{"$gt":""}',
  '%28'.repeat(4_000),
  '%22',
  'a:~%22(%22',
  'a:~%22(a%2B)%2B%24%22',
  'NOT%20'.repeat(900),
  '*'.repeat(3_000),
  'x'.repeat(8_000),
  'AAAA',
  'eyJ2IjoxfQ',
  '1969-12-31T23:59:59Z',
  '2286-11-21',
  '2026-02-30',
  'now-99999999999d',
  '%F0%9F%92%A9'.repeat(200),
]

/** Query parameters that do not exist, stand twice, or hold what they must not. */
export function wrongQueries(stage: Stage, spec: AnyRouteSpec): Attack[] {
  const sample = querySamples[spec.id] ?? {}
  const get = (query: string, without?: string) => {
    const needed = new URLSearchParams(Object.entries(sample).filter(([name]) => name !== without)).toString()
    return send(stage, spec, { path: `${openPathOf(stage, spec)}?${query}&${needed}`.replace(/&$/, ''), ...validBody(spec) })
  }
  const unknown = ['unknown', '__proto__', 'constructor', 'organization_id', 'page[]', 'limit[$gt]'].map((name): Attack => ({
    name: `?${name}`,
    tries: 'names of parameters',
    send: () => get(`${name}=1`),
    wanted: { ...invalid, field: name },
  }))
  const { query = z.strictObject({}) } = spec
  const accepts = (name: string, value: unknown) => query.safeParse({ ...sample, [name]: value }).success
  const wrong = Object.entries(query.shape as Record<string, z.ZodType>).flatMap(([name, schema]) => {
    const accepted = wrongValues.map((value) => accepts(name, new URLSearchParams(`x=${value}`).get('x')))
    const tries = contractOf('query', name, schema, accepted)
    const values = wrongValues.map((value, i): Attack => {
      const wanted = accepted[i] === true ? { harmless: true } : { ...invalid, field: name }
      return { name: `?${name}=${value.slice(0, 40)}`, tries, send: () => get(`${name}=${value}`, name), wanted }
    })
    const twice = { name: `?${name} twice`, send: () => get(`${name}=1&${name}=2`, name), wanted: { ...invalid, field: name } }
    return accepts(name, ['1', '2']) ? values : [...values, twice]
  })
  const long: Attack = {
    name: 'an address of 20 KB',
    send: () => get(`x=${'y'.repeat(20_000)}`),
    wanted: { status: 414, code: 'uri_too_long' },
  }
  return [...unknown, ...wrong, long]
}

const wrongIds = [
  '..%2f..%2fetc',
  '%2e%2e',
  '%2e%2e%2f',
  '%00',
  '%',
  '%ff',
  '%ed%a0%80',
  'null',
  '0',
  '-1',
  '*',
  "'--",
  '%0d%0aSet-Cookie:x',
  'x'.repeat(4_000),
  '__proto__',
  '{id}',
  ':id',
  '%F0%9F%92%A9',
]

/** Ids that no thing can have, and addresses built to be taken for another one. */
export function wrongPaths(stage: Stage, spec: AnyRouteSpec): Attack[] {
  const [name, schema] = Object.entries<z.ZodType>(spec.param?.shape ?? {})[0] ?? []
  const accepted = wrongIds.map((id) => schema?.safeParse(id).success === true)
  const tries = name !== undefined && schema && contractOf('path', name, schema, accepted)
  const to = (what: string, path: string, wanted: Wanted): Attack => ({
    name: `${what} ${path.slice(0, 60)}`,
    ...(what === 'id' && typeof tries === 'string' && { tries }),
    send: () => send(stage, spec, { path, ...validBody(spec) }),
    wanted,
  })
  const paths = wrongIds.map((id) => spec.path.replace(/:\w+/g, id)).filter((path) => !isRoute(path))
  const ids = spec.param ? paths.map((path) => to('id', path, {})) : []
  const missing = spec.param ? [to('an id that nobody has', fillPath(spec.path, missingId(spec.path)), { status: 404 })] : []
  return [...ids, ...missing]
}

/** Whether every client makes the address of another route out of it: `/a/%2e%2e/b` is `/b` before it is sent. */
function isRoute(path: string): boolean {
  if (!URL.canParse(path, 'http://x')) return false
  const { pathname } = new URL(path, 'http://x')
  return routes.some((other) => other.spec.path === pathname)
}

/** Addresses that lead nowhere, made from a route's own. */
export function strayPaths({ path }: AnyRouteSpec): string[] {
  const fixed = path.replace(/:\w+/g, 'x')
  if (fixed === '/') return ['/%2f', '/x', '/%00', '/index.html']
  return [
    `/${fixed}`,
    `${fixed}/x/y/z`,
    `${fixed}%00`,
    `${fixed}%2f`,
    `${fixed};x`,
    `${fixed}.json`,
    fixed.replaceAll('/', '//'),
    `/x/..%2f${fixed.slice(1)}`,
    `${fixed}/%2e%2e%2fadmin`,
  ].filter(
    (stray) =>
      !routes.some(({ spec }) =>
        new RegExp(`^${spec.path.replace(/:\w+/g, '[^/]+')}/?$`).test(decodeURI(new URL(stray, 'http://x').pathname)),
      ),
  )
}
