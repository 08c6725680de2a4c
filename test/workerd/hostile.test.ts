import { beforeAll, describe, expect, it } from 'vitest'
import { routes } from '../../src/routes.ts'
import { badCredentials, crossSite, foreignThings, wrongRights } from '../support/hostile/access_attacks.ts'
import { strayPaths, wrongPaths, wrongQueries } from '../support/hostile/address_attacks.ts'
import { brokenRawBodies, oddRecords } from '../support/hostile/body_attacks.ts'
import { brokenBodies, extraFields, wrongFields, wrongTypes } from '../support/hostile/json_attacks.ts'
import { complaints } from '../support/hostile/refusal.ts'
import type { Attack } from '../support/hostile/refusal.ts'
import { countRows } from '../support/hostile/rows.ts'
import { jsonSamples, querySamples, thingMakers } from '../support/hostile/samples.ts'
import { send, setStage } from '../support/hostile/stage.ts'
import type { Stage } from '../support/hostile/stage.ts'
import { callFrom, randomAddress } from '../support/world.ts'

/*
 * Every route of src/routes.ts against every attack: each must be answered with a documented 4xx problem that names what
 * is wrong, and must leave no row behind. A new route is covered by itself, once samples.ts knows a body and an id for it.
 */

let stage: Stage
const specs = routes.map(({ spec }) => [spec.id, spec] as const)

beforeAll(async () => {
  stage = await setStage()
})

describe('the samples', () => {
  it('have a good body for every route that takes one', () => {
    const bad = routes.filter(({ spec }) => spec.json && !spec.json.safeParse(jsonSamples[spec.id]).success)
    expect(bad.map(({ spec }) => spec.id)).toEqual([])
  })

  it('have the query parameters that a route cannot do without', () => {
    const bad = routes.filter(({ spec }) => spec.query && !spec.query.safeParse(querySamples[spec.id] ?? {}).success)
    expect(bad.map(({ spec }) => spec.id)).toEqual([])
  })

  it('have a thing of the victim for every path with a parameter', () => {
    const paths = routes.filter(({ spec }) => spec.param && !(spec.path in thingMakers)).map(({ spec }) => spec.path)
    expect(paths).toEqual([])
  })
})

/** What was not refused as it should be, and every count of rows that changed. */
async function wrongAnswers(spec: (typeof specs)[number][1], attacks: Iterable<Attack>): Promise<string[]> {
  const worlds = [stage.attacker, stage.victim]
  const before = await countRows(worlds)
  const found = await complaints(spec, attacks)
  const after = await countRows(worlds)
  const changed = Object.keys(after).filter((name) => after[name] !== before[name])
  return [...found, ...changed.map((name) => `${name}: ${before[name]} rows became ${after[name]}`)]
}

describe.each(specs.filter(([, spec]) => spec.access !== 'public'))('%s, which is not public,', (_, spec) => {
  it('refuses bad credentials', async () => {
    expect(await wrongAnswers(spec, await badCredentials(stage, spec))).toEqual([])
  })

  it('refuses keys and people without the right', async () => {
    expect(await wrongAnswers(spec, wrongRights(stage, spec))).toEqual([])
  })

  it('shows and changes nothing of another tenant, nor what was deleted', async () => {
    expect(await wrongAnswers(spec, foreignThings(stage, spec))).toEqual([])
  })

  it('refuses writes that another site sends with our cookies', async () => {
    expect(await wrongAnswers(spec, crossSite(stage, spec))).toEqual([])
  })
})

describe.each(specs)('%s', (_, spec) => {
  it('refuses wrong queries', async () => {
    expect(await wrongAnswers(spec, wrongQueries(stage, spec))).toEqual([])
  })

  it('refuses wrong ids', async () => {
    expect(await wrongAnswers(spec, wrongPaths(stage, spec))).toEqual([])
  })

  it('is not reached by addresses that only look like its own', async () => {
    const reached: string[] = []
    for (const path of strayPaths(spec)) {
      const response = await callFrom(randomAddress(), path, { method: spec.method.toUpperCase(), as: stage.attacker.owner.accessToken })
      const { code } = await response.json<{ code: string }>()
      if (response.status !== 404 || code !== 'not_found') reached.push(`${path}: ${response.status} ${code}`)
    }
    expect(reached).toEqual([])
  })

  it('names the methods it has for any other', async () => {
    const declared = new Set(routes.filter((one) => one.spec.path === spec.path).map((one) => one.spec.method.toUpperCase()))
    if (declared.has('GET')) declared.add('HEAD')
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'].filter((name) => !declared.has(name.toUpperCase()))) {
      const response = await callFrom(randomAddress(), spec.path.replace(/:\w+/g, 'x'), { method })
      expect([method, response.status, response.headers.get('Allow')]).toEqual([method, 405, [...declared].toSorted().join(', ')])
      await response.body?.cancel()
    }
  })
})

describe.each(specs.filter(([, spec]) => spec.json))('%s, which takes JSON,', (_, spec) => {
  it('refuses bodies that are broken, too deep, too large or no object', async () => {
    expect(await wrongAnswers(spec, brokenBodies(stage, spec))).toEqual([])
  })

  it('refuses other media types, and compressed bodies unopened', async () => {
    expect(await wrongAnswers(spec, wrongTypes(stage, spec))).toEqual([])
  })

  it('refuses names it does not know, above all those that would be privileges', async () => {
    expect(await wrongAnswers(spec, extraFields(stage, spec))).toEqual([])
  })

  it('refuses fields of a wrong type or content, by name', async () => {
    expect(
      await wrongAnswers(
        spec,
        wrongFields(stage, spec).filter(({ wanted }) => wanted.harmless !== true),
      ),
    ).toEqual([])
  })

  it('takes no harm from odd values that a field may have', async () => {
    expect(
      await complaints(
        spec,
        wrongFields(stage, spec).filter(({ wanted }) => wanted.harmless === true),
      ),
    ).toEqual([])
  })
})

describe.each(specs.filter(([, spec]) => spec.body))('%s, which reads its body itself,', (_, spec) => {
  it('refuses bodies that are broken, too large or bombs', async () => {
    expect(await wrongAnswers(spec, brokenRawBodies(stage, spec))).toEqual([])
  })

  it.each(oddRecords)('keeps %s, for this tenant only', async (_name, record) => {
    const before = await countRows([stage.attacker, stage.victim])
    const response = await send(stage, spec, { json: record })
    expect([response.status, (await response.json<{ id: string }>()).id.length]).toEqual([201, 13])
    const logs = `logs of ${stage.attacker.organizationId}`
    expect(await countRows([stage.attacker, stage.victim])).toEqual({
      ...before,
      log_shards: expect.any(Number) as number,
      [logs]: (before[logs] ?? 0) + 1,
    })
  })
})
