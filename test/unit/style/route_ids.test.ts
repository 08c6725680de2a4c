import * as z from 'zod'
import { describe, expect, it } from 'vitest'
import type { AnyRouteSpec } from '../../../src/http/route.ts'
import { routes } from '../../../src/routes.ts'

/* Ids are the operationIds of the OpenAPI document, and name routes in logs, metrics and the audit log: people guess them. */

const specs = routes.map(({ spec }) => spec)
const verbs = { put: 'replace', patch: 'update', delete: 'delete' } as const

function isPaged({ method, replies }: AnyRouteSpec): boolean {
  const reply = replies[200]
  return method === 'get' && reply instanceof z.ZodObject && 'results' in reply.shape && 'previous' in reply.shape
}

/** Ids of those among the routes that do not end with the verb. `PATCH /things/me` may say whose: `things.update_me`. */
function without(verb: string, among: readonly AnyRouteSpec[]): string[] {
  return among.map(({ id }) => id).filter((id) => !new RegExp(`\\.${verb}(_me)?$`).test(id))
}

describe('the id of a route', () => {
  it('is noun.verb in snake_case', () => {
    expect(specs.map(({ id }) => id).filter((id) => !/^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$/.test(id))).toEqual([])
  })

  it('is that of no other', () => {
    expect(new Set(specs.map(({ id }) => id)).size).toBe(specs.length)
  })

  it.each(Object.entries(verbs))('says of %s always %s', (method, verb) => {
    const among = specs.filter((spec) => spec.method === method)
    expect(among.length).toBeGreaterThan(1)
    expect(without(verb, among)).toEqual([])
  })

  it('says list of what answers pages, and create of what adds to them', () => {
    const paged = specs.filter(isPaged)
    expect(paged.length).toBeGreaterThan(10)
    expect(without('list', paged)).toEqual([])
    const places = new Set(paged.map(({ path }) => path))
    const adding = specs.filter(({ method, path }) => method === 'post' && places.has(path))
    expect(adding.length).toBeGreaterThan(5)
    expect(without('create', adding)).toEqual([])
  })
})
