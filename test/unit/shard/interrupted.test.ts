import { describe, expect, test } from 'vitest'
import { segmentGraceMs } from '../../../src/core/limits.ts'
import type { ShardCore } from '../../../src/objects/log-shard/core.ts'
import type { Fault } from './map_objects.ts'
import type { World } from './shard_world.ts'
import { append, batch, identity, row, runAlarms, startMs, visible, world } from './shard_world.ts'

const dayMs = 86_400_000

/** Work that is interrupted: `prepare` leaves a job due, `rows` are what must be there whatever happens, with their messages. */
interface Scenario {
  prepare(here: World): Promise<void>
  rows: [seq: number, message: string][]
  /** Kinds of the manifest's operations, once all is done. */
  kinds: string[]
}

const letters = (text: string) => Array.from(text)
const numbered = (text: string): [number, string][] => letters(text).map((letter, i) => [i + 1, letter])

/** One segment for each of these batches of one row each. */
async function sealEach(here: World, text: string): Promise<void> {
  for (const letter of letters(text)) {
    append(here.core, batch([letter]))
    await here.core.sealNow(identity)
  }
}

const scenarios: Record<string, Scenario> = {
  seal: {
    async prepare({ core }) {
      append(core, batch(['a', 'b'], 'aa'))
      append(core, batch(['c', row('d', { timestampMs: startMs - 400 * dayMs })]))
      core.deleteRow(identity, 2)
    },
    rows: [
      [1, 'a'],
      [3, 'c'],
      [4, 'd'],
    ],
    kinds: ['seal'],
  },
  merge: {
    prepare: async (here) => {
      for (const letter of letters('abcdefg')) {
        append(here.core, batch([letter]))
        await here.core.sealNow(identity)
      }
      append(here.core, batch(['h']))
    },
    rows: numbered('abcdefgh'),
    kinds: ['seal', 'seal', 'seal', 'seal', 'seal', 'seal', 'seal', 'seal', 'merge'],
  },
  fold: {
    async prepare(here) {
      append(here.core, batch(['a', 'b', 'c']))
      await here.core.sealNow(identity)
      const [segment] = here.core.segments(identity).segments
      const rows = visible(here, here.core)
      here.core.changeRow(identity, 1, { message: 'edited' }, { segment: segment!.key, row: rows[0]! })
      here.core.deleteRow(identity, 2, { segment: segment!.key, row: rows[1]! })
    },
    rows: [
      [1, 'edited'],
      [3, 'c'],
    ],
    kinds: ['seal', 'fold'],
  },
  erasure: {
    async prepare(here) {
      await sealEach(here, 'abc')
      append(here.core, batch(['b', 'd']))
      here.core.startErase(identity, { id: 'erasure', q: 'b', range: { fromMs: 0, toMs: 1e13 } })
    },
    rows: [
      [1, 'a'],
      [3, 'c'],
      [5, 'd'],
    ],
    kinds: ['seal', 'seal', 'seal', 'seal', 'erase'],
  },
  retention: {
    async prepare(here) {
      append(here.core, batch(['a'], undefined, 'a', startMs - 3 * dayMs))
      await here.core.sealNow(identity)
      append(here.core, batch(['b'], undefined, 'b', startMs - 3 * dayMs))
      append(here.core, batch(['c']))
      await here.core.sealNow(identity)
      here.core.applyRetention(identity, startMs - dayMs, 0)
    },
    rows: [[3, 'c']],
    kinds: ['seal', 'seal', 'retention', 'retention'],
  },
}

/** Lets the object of `core` do what it does; it may never answer. */
async function attempt(here: World, core: ShardCore): Promise<void> {
  here.clock.nowMs += 3_700_000
  const ended = core.alarm()
  await Promise.race([ended, new Promise((resolve) => void setImmediate(() => setImmediate(resolve)))])
}

function check(here: World, core: ShardCore, { rows }: Scenario, keepFromMs: number): void {
  expect(visible(here, core, keepFromMs).map(({ seq, message }) => [seq, message])).toEqual(rows)
}

/** Every object that the manifest names and no other, once the grace is over; and a chain without gaps. */
async function checkEnd(here: World, core: ShardCore, scenario: Scenario, keepFromMs: number): Promise<void> {
  await core.sealNow(identity)
  here.clock.nowMs += 2 * segmentGraceMs
  await core.sealNow(identity)
  check(here, core, scenario, keepFromMs)
  const { segments, damaged } = core.segments(identity)
  expect(damaged).toEqual([])
  expect([...here.objects.objects.keys()].sort()).toEqual(segments.map(({ key }) => key))
  expect(core.manifest(identity, { afterNumber: 0, limit: 100 }).operations.map(({ kind }) => kind)).toEqual(scenario.kinds)
}

/** Begins the work anew for each call of the bucket that it makes, which ends with the fault; answers how many there are. */
async function interruptCalls(scenario: Scenario, fault: Fault, keepFromMs: number): Promise<number> {
  for (let at = 0; ; at++) {
    const here = world()
    await scenario.prepare(here)
    check(here, here.core, scenario, keepFromMs)
    here.objects.failAt(at, fault)
    for (let alarms = 0; alarms < 10; alarms++) {
      await attempt(here, here.core)
      check(here, here.core, scenario, keepFromMs)
    }
    const wasMet = here.objects.heal()
    // One that hangs dies with its object; one that failed has been tried again.
    const core = here.open()
    check(here, core, scenario, keepFromMs)
    await runAlarms(here, core)
    await checkEnd(here, core, scenario, keepFromMs)
    if (!wasMet) return at
  }
}

/** The same for each statement of SQLite. */
async function interruptStatements(scenario: Scenario, keepFromMs: number): Promise<number> {
  for (let at = 0; ; at++) {
    const here = world()
    await scenario.prepare(here)
    here.sql.failAfter(at)
    await attempt(here, here.core).catch(() => undefined)
    const wasMet = here.sql.hasFailed()
    here.sql.failAfter(Infinity)
    const core = here.open()
    check(here, core, scenario, keepFromMs)
    await checkEnd(here, core, scenario, keepFromMs)
    if (!wasMet) return at
  }
}

describe.each(Object.entries(scenarios))('a shard that has to do its %s', (name, scenario) => {
  const keepFromMs = name === 'retention' ? startMs - dayMs : 0
  const faults: [string, Fault][] = [
    ['fails', 'fails'],
    ['takes effect and then fails', 'fails_late'],
    ['is never answered', 'hangs'],
    ['takes effect and is never answered', 'hangs_late'],
  ]

  test.each(faults)('loses no row and shows none twice when a call of its bucket %s, whichever call it is', async (_, fault) => {
    expect(await interruptCalls(scenario, fault, keepFromMs)).toBeGreaterThan(0)
  })

  test('loses no row and shows none twice when a statement of SQLite fails, whichever it is', async () => {
    expect(await interruptStatements(scenario, keepFromMs)).toBeGreaterThan(0)
  })
})
