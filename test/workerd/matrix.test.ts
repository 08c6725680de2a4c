import { beforeAll, describe, expect, it } from 'vitest'
import { isAccountPermission, roleHas, scopesHave } from '../../src/core/permissions.ts'
import type { AnyRouteSpec } from '../../src/http/route.ts'
import { routes } from '../../src/routes.ts'
import { missingId } from '../support/hostile/samples.ts'
import { makeCast } from '../support/matrix/cast.ts'
import type { Cast, CastMember } from '../support/matrix/cast.ts'
import { organizationRoles, places, placesOf, verdict } from '../support/matrix/expected.ts'
import type { Place, Verdict } from '../support/matrix/expected.ts'
import { innerCases, makeThings } from '../support/matrix/inner_cases.ts'
import type { InnerCase } from '../support/matrix/inner_cases.ts'
import { say, withoutLogLines } from '../support/quiet.ts'
import { callFrom, randomAddress } from '../support/world.ts'

/*
 * Who may do what: every actor at every route that is not public, in the own tenant, in another of the same account and in a
 * foreign one. What must come follows from the table of permissions and the route's contract alone (support/matrix/expected.ts).
 *
 * Each request carries a query parameter that no route knows. Routes look at the caller first and at the request then, so
 * that "400, this parameter is unknown" proves that the caller was let through, and nothing is done.
 */

const probe = 'unknown_to_every_route'
const guarded = routes.map(({ spec }) => spec).filter(({ access }) => access !== 'public')
/** Callers come from as many addresses as keep below the limit of each: a new one for each request would be looked up in KV. */
const addresses = Array.from({ length: 200 }, randomAddress)
let sent = 0
/** Requests under way at once. */
const parallel = 8

interface Case {
  actor: CastMember
  spec: AnyRouteSpec
  place: Place | undefined
}

withoutLogLines()

let cast: Cast
beforeAll(async () => {
  cast = await makeCast()
})

/**
 * Every actor at every route, where the request names no tenant (or in the path the main one) and in the foreign one; in all
 * other places at one route of each form of contract. Where a request goes makes no difference to whom nobody is.
 */
function casesOf(members: readonly CastMember[]): Case[] {
  const seen = new Set<string>()
  return guarded.flatMap((spec) => {
    const contract = JSON.stringify([isAccountPermission(spec.access), spec.tenant, spec.stepUp])
    const isFirst = !seen.has(contract)
    seen.add(contract)
    const all = placesOf(spec)
    const few = all.filter((place) => place === undefined || place === 'foreign' || (place === 'main' && spec.tenant !== undefined))
    return (isFirst ? all : few).flatMap((place, i) =>
      members.filter(({ facts }) => i === 0 || verdict(facts, spec, place) !== '401').map((actor) => ({ actor, spec, place })),
    )
  })
}

/** What came of the request: a verdict, or anything else as it stands. */
async function outcome({ actor, spec, place }: Case): Promise<string> {
  const inPath = spec.tenant !== undefined
  const headers: Record<string, string> = place !== undefined && !inPath ? { 'X-Organization-Id': cast.placeIds[place] } : {}
  const address = addresses[sent++ % addresses.length] ?? ''
  const response = await callFrom(address, `${pathOf(spec, place)}?${probe}=1`, {
    method: spec.method.toUpperCase(),
    as: actor.credential,
    headers,
  })
  const text = await response.text()
  const { code, details } = JSON.parse(text) as { code?: string; details?: Record<string, string[]> }
  if (response.status === 400 && details?.[probe] !== undefined) return 'allow'
  if (response.status === 401) return '401'
  return code === undefined ? `${response.status} ${text}` : `${response.status} ${code}`
}

function pathOf(spec: AnyRouteSpec, place: Place | undefined): string {
  const tenantId = place && (isAccountPermission(spec.access) ? cast.accountIds[places[place].account] : cast.placeIds[place])
  const fill = (name: string) => (name === 'id' && spec.tenant !== undefined && tenantId !== undefined ? tenantId : missingId(spec.path))
  return spec.path.replace(/:(\w+)/g, (_, name: string) => (name === 'n' ? '0' : fill(name)))
}

/** Runs all cases, several at once; what each came to. */
async function runAll(cases: readonly Case[]): Promise<{ one: Case; wanted: Verdict; got: string }[]> {
  const queue = Iterator.from(cases)
  const done: { one: Case; wanted: Verdict; got: string }[] = []
  const work = async () => {
    for (const one of queue) done.push({ one, wanted: verdict(one.actor.facts, one.spec, one.place), got: await outcome(one) })
  }
  await Promise.all(Array.from({ length: parallel }, work))
  return done
}

describe('the authorization matrix', () => {
  it('lets in exactly who the table names, at every route and place', async () => {
    const done = await runAll(casesOf(cast.members))
    const shown = ({ one: { actor, spec, place }, wanted, got }: (typeof done)[number]) =>
      `${actor.name} at ${spec.id}${place === undefined ? '' : ` in ${place}`}: wanted ${wanted}, got ${got}`
    const unexpectedAllows = done.filter(({ wanted, got }) => got === 'allow' && wanted !== 'allow')
    const wrong = done.filter(({ wanted, got }) => got !== wanted)
    const tally = Object.entries(Object.groupBy(done, ({ got }) => got)).map(([got, some]) => `${some?.length} × ${got}`)
    say(
      `authorization matrix: ${cast.members.length} actors × ${guarded.length} routes × places = ${done.length} cases ` +
        `(${tally.join(', ')}); ${unexpectedAllows.length} unexpected allows, ${wrong.length} wrong in all`,
    )
    // No more than can be read: the comparison of thousands would take minutes.
    expect(unexpectedAllows.slice(0, 20).map(shown)).toEqual([])
    expect(wrong.slice(0, 20).map(shown)).toEqual([])
    // Each kind of answer comes up, so that none of the rules above is idle.
    const kinds: Verdict[] = [
      'allow',
      '401',
      '403 forbidden',
      '403 second_factor_required',
      '403 reauthentication_required',
      '404 not_found',
    ]
    expect(kinds.filter((kind) => !done.some(({ got }) => got === kind))).toEqual([])
  }, 300_000)

  it('has for every route somebody who may and somebody who may not', () => {
    const idle = guarded.filter((spec) => {
      const verdicts = new Set(placesOf(spec).flatMap((place) => cast.members.map(({ facts }) => verdict(facts, spec, place) === 'allow')))
      return verdicts.size < 2
    })
    expect(idle.map(({ id }) => id)).toEqual([])
  })
})

describe('a right that the verb asks for', () => {
  it.each(innerCases.map((one) => [one.what === undefined ? one.id : `${one.id} of ${one.what}`, one] as const))(
    'at %s is held by exactly who the table names',
    async (_, inner) => {
      const spec = guarded.find(({ id }) => id === inner.id)
      const userOf = (wanted: string) => cast.members.find(({ name }) => name === wanted)?.person?.userId ?? ''
      const whose = { organization: cast.placeIds.main, owner: userOf('a person without organization'), manager: userOf('a team manager') }
      const got: string[] = []
      const wanted: string[] = []
      for (const actor of cast.members) {
        if (spec === undefined || verdict(actor.facts, spec, 'main') !== 'allow') continue
        const { path, json } = inner.request(await makeThings(whose))
        const headers = { 'X-Organization-Id': whose.organization }
        const response = await callFrom(randomAddress(), path, { method: spec.method.toUpperCase(), as: actor.credential, json, headers })
        const { status } = response
        got.push(`${actor.name}: ${[401, 403].includes(status) ? 'no' : 'yes'}${status >= 500 || status === 400 ? `, but ${status}` : ''}`)
        await response.body?.cancel()
        wanted.push(`${actor.name}: ${holds(actor, inner) ? 'yes' : 'no'}`)
      }
      expect(got).toEqual(wanted)
      expect(new Set(wanted.map((line) => line.slice(-3))).size).toBe(2)
    },
  )
})

/** By the table, who does what the case asks for, of those whom the route lets in. */
function holds({ name, facts }: CastMember, { needs, orManager, stepUp }: InnerCase): boolean {
  if (facts.kind === 'nobody') return false
  if (facts.kind === 'key') return scopesHave(facts.scopes, needs)
  const counting = organizationRoles(facts, 'main').filter((role) => role !== 'staff' || facts.secondFactor === true)
  const may = counting.some((role) => roleHas(role, needs)) || (orManager === true && name === 'a team manager')
  return may && !(stepUp === true && facts.stalePassword === true)
}
