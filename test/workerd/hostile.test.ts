import { beforeAll, describe, expect, it } from 'vitest'
import { isAccountPermission } from '../../src/core/permissions.ts'
import { isOptional } from '../../src/http/route.ts'
import { routes } from '../../src/routes.ts'
import { badCredentials, foreignThings, wrongRights } from '../support/hostile/access_attacks.ts'
import { strayPaths, wrongPaths, wrongQueries } from '../support/hostile/address_attacks.ts'
import { brokenRawBodies, oddRecords } from '../support/hostile/body_attacks.ts'
import { brokenBodies, extraFields, namesTaken, wrongFields, wrongTypes } from '../support/hostile/json_attacks.ts'
import { complaints, createSelection } from '../support/hostile/refusal.ts'
import type { Attack } from '../support/hostile/refusal.ts'
import { countRows } from '../support/hostile/rows.ts'
import { jsonSamples, querySamples, thingMakers } from '../support/hostile/samples.ts'
import { send, setStage } from '../support/hostile/stage.ts'
import type { Stage } from '../support/hostile/stage.ts'
import { withoutLogLines } from '../support/quiet.ts'
import { callFrom, randomAddress } from '../support/world.ts'

/*
 * Every route of src/routes.ts against every attack: each must be answered with a documented 4xx problem that names what
 * is wrong, and must leave no row behind. A new route is covered by itself, once samples.ts knows a body and an id for it.
 * What routes share is attacked in full once, and by a part at each further route (`createSelection`).
 */

withoutLogLines()

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

type Spec = (typeof specs)[number][1]

const select = createSelection(routes.map(({ spec }) => spec.id))
/** Rows when they were counted last: nothing may be stored until the last refusal. */
let counted: Record<string, number> | undefined

const countAll = () => countRows([stage.attacker, stage.victim])

/** What was not refused as it should be. */
async function wrongAnswers(spec: Spec, family: string, attacks: readonly Attack[]): Promise<string[]> {
  return complaints(spec, select(spec.id, family, attacks))
}

/** Bodies are read in the same way by routes that take forms as well, and by those that can do without one. */
function bodyKind({ form, json }: Spec): string {
  return `${form === true ? ', forms too' : ''}${json && isOptional(json) ? ', or none' : ''}`
}

/** Takes logs; other routes that read their body themselves have tests of their own. */
function isIngest({ body }: Spec): boolean {
  return body?.types.includes('application/x-ndjson') === true
}

function accessKind({ access }: Spec): string {
  return access === 'session' || access === 'staff' ? access : isAccountPermission(access) ? 'account' : 'organization'
}

describe.each(specs)('%s', (_, spec) => {
  let before: Record<string, number>
  beforeAll(async () => {
    before = counted ?? (await countAll())
  })

  if (spec.access !== 'public') refusesCallers(spec)
  refusesAddresses(spec)
  if (spec.json) refusesJson(spec)
  if (isIngest(spec)) refusesRawBodies(spec)

  // Once for all that was refused: counting takes as long as five attacks.
  it('leaves no row behind, and removes none', async () => {
    counted = await countAll()
    expect(counted).toEqual(before)
  })
})

function refusesCallers(spec: Spec): void {
  it('refuses bad credentials', async () => {
    expect(await wrongAnswers(spec, `credentials of ${accessKind(spec)}`, await badCredentials(stage, spec))).toEqual([])
  })

  it('refuses keys and people without the right', async () => {
    expect(await wrongAnswers(spec, spec.id, wrongRights(stage, spec))).toEqual([])
  })

  it('shows and changes nothing of another tenant, nor what was deleted', async () => {
    expect(await wrongAnswers(spec, spec.id, foreignThings(stage, spec))).toEqual([])
  })
}

function refusesAddresses(spec: Spec): void {
  it('refuses wrong queries', async () => {
    expect(await wrongAnswers(spec, `queries of ${spec.id}`, wrongQueries(stage, spec))).toEqual([])
  })

  it('refuses wrong ids', async () => {
    expect(await wrongAnswers(spec, `paths of ${spec.id}`, wrongPaths(stage, spec))).toEqual([])
  })

  it('is not reached by addresses that only look like its own', async () => {
    const paths = strayPaths(spec)
    const answers = await Promise.all(
      paths.map(async (path) => {
        const response = await callFrom(randomAddress(), path, { method: spec.method.toUpperCase(), as: stage.attacker.owner.accessToken })
        const { code } = await response.json<{ code: string }>()
        return `${path}: ${response.status} ${code}`
      }),
    )
    expect(answers).toEqual(paths.map((path) => `${path}: 404 not_found`))
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
}

function refusesJson(spec: Spec): void {
  it('refuses bodies that are broken, too deep, too large or no object', async () => {
    expect(await wrongAnswers(spec, `bodies${bodyKind(spec)}`, brokenBodies(stage, spec))).toEqual([])
  })

  it('refuses other media types, and compressed bodies unopened', async () => {
    expect(await wrongAnswers(spec, `types${bodyKind(spec)}`, wrongTypes(stage, spec))).toEqual([])
  })

  it('refuses names it does not know, above all those that would be privileges', async () => {
    // The contract of the route refuses each of them; that contracts are kept is tried over HTTP by a part.
    expect(namesTaken(spec)).toEqual([])
    expect(await wrongAnswers(spec, spec.id, extraFields(stage, spec))).toEqual([])
  })

  it('refuses fields of a wrong type or content, by name', async () => {
    expect(
      await wrongAnswers(
        spec,
        spec.id,
        wrongFields(stage, spec).filter(({ wanted }) => wanted.harmless !== true),
      ),
    ).toEqual([])
  })
}

function refusesRawBodies(spec: Spec): void {
  it('refuses bodies that are broken, too large or bombs', async () => {
    expect(await wrongAnswers(spec, spec.id, brokenRawBodies(stage, spec))).toEqual([])
  })
}

describe.each(specs.filter(([, spec]) => spec.json))('%s, which takes JSON,', (_, spec) => {
  it('takes no harm from odd values that a field may have', async () => {
    const attacks = wrongFields(stage, spec).filter(({ wanted }) => wanted.harmless === true)
    expect(await complaints(spec, select(spec.id, spec.id, attacks))).toEqual([])
  })
})

describe.each(specs.filter(([, spec]) => isIngest(spec)))('%s, which takes logs,', (_, spec) => {
  it.each(oddRecords)('keeps %s, for this tenant only', async (_name, record) => {
    const before = await countAll()
    const response = await send(stage, spec, { json: record })
    expect([response.status, (await response.json<{ id: string }>()).id.length]).toEqual([201, 13])
    const logs = `logs of ${stage.attacker.organizationId}`
    expect(await countAll()).toEqual({
      ...before,
      log_shards: expect.any(Number) as number,
      [logs]: (before[logs] ?? 0) + 1,
    })
  })
})
