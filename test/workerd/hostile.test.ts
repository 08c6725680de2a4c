import { beforeAll, describe, expect, it } from 'vitest'
import { routes } from '../../src/routes.ts'
import { badCredentials, crossSite, foreignThings, wrongRights } from '../support/hostile/access_attacks.ts'
import { strayPaths, wrongPaths, wrongQueries } from '../support/hostile/address_attacks.ts'
import { brokenRawBodies, oddRecords } from '../support/hostile/body_attacks.ts'
import { brokenBodies, extraFields, wrongFields, wrongTypes } from '../support/hostile/json_attacks.ts'
import { complaints } from '../support/hostile/refusal.ts'
import type { Attack } from '../support/hostile/refusal.ts'
import { countRows } from '../support/hostile/rows.ts'
import { foreignIds, jsonSamples, querySamples } from '../support/hostile/samples.ts'
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
    const paths = routes.filter(({ spec }) => spec.param && !(spec.path in foreignIds)).map(({ spec }) => spec.path)
    expect(paths).toEqual([])
  })
})

/** The attacks are all refused, and nothing was written. */
async function expectRefusals(spec: (typeof specs)[number][1], attacks: Iterable<Attack>): Promise<void> {
  const worlds = [stage.attacker, stage.victim]
  const before = await countRows(worlds)
  expect(await complaints(spec, attacks)).toEqual([])
  expect(await countRows(worlds)).toEqual(before)
}

describe.each(specs.filter(([, spec]) => spec.access !== 'public'))('%s, which is not public,', (_, spec) => {
  it('refuses bad credentials', async () => {
    await expectRefusals(spec, await badCredentials(stage, spec))
  })

  it('refuses keys and people without the right', async () => {
    await expectRefusals(spec, wrongRights(stage, spec))
  })

  it('shows and changes nothing of another tenant', async () => {
    await expectRefusals(spec, foreignThings(stage, spec))
  })

  it('refuses writes that another site sends with our cookies', async () => {
    await expectRefusals(spec, crossSite(stage, spec))
  })
})

describe.each(specs)('%s', (_, spec) => {
  it('refuses wrong queries', async () => {
    await expectRefusals(spec, wrongQueries(stage, spec))
  })

  it('refuses wrong ids', async () => {
    await expectRefusals(spec, wrongPaths(stage, spec))
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
    await expectRefusals(spec, brokenBodies(stage, spec))
  })

  it('refuses other media types, and compressed bodies unopened', async () => {
    await expectRefusals(spec, wrongTypes(stage, spec))
  })

  it('refuses names it does not know, above all those that would be privileges', async () => {
    await expectRefusals(spec, extraFields(stage, spec))
  })

  it('refuses fields of a wrong type or content, by name', async () => {
    await expectRefusals(
      spec,
      wrongFields(stage, spec).filter(({ wanted }) => wanted.harmless !== true),
    )
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
    await expectRefusals(spec, brokenRawBodies(stage, spec))
  })

  it.each(oddRecords)('keeps %s, for this tenant only', async (_name, record) => {
    const before = await countRows([stage.attacker, stage.victim])
    const response = await send(stage, spec, { json: record })
    expect([response.status, (await response.json<{ id: string }>()).id.length]).toEqual([201, 13])
    const logs = `logs of ${stage.attacker.organizationId}`
    expect(await countRows([stage.attacker, stage.victim])).toEqual({
      ...before,
      log_shards: expect.any(Number),
      [logs]: (before[logs] ?? 0) + 1,
    })
  })
})
