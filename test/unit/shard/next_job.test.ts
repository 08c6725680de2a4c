import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  foldAgeMs,
  mergeBytesMax,
  mergeDayAfterMs,
  mergeGrowthMin,
  mergeSmallBytesMax,
  mergeWidth,
  sealDayBytesMin,
  sealDaysMax,
  smallSegmentsMax,
} from '../../../src/core/limits.ts'
import type { SegmentMeta } from '../../../src/engine/segment/types.ts'
import { planParts } from '../../../src/objects/log-shard/upkeep/borders.ts'
import type { JobView } from '../../../src/objects/log-shard/upkeep/job.ts'
import { nextJob } from '../../../src/objects/log-shard/upkeep/next_job.ts'
import { segmentKey } from '../../../src/objects/log-shard/upkeep/segment_key.ts'
import type { StoredErasure } from '../../../src/objects/log-shard/erasures.ts'
import { runs } from '../../support/effort.ts'

const nowMs = Date.parse('2026-11-22T12:00:00Z')
const dayMs = 86_400_000
const minuteMs = 60_000

const idle: JobView = {
  nowMs,
  limits: { sealBytes: 1000, sealAgeMs: 5 * minuteMs },
  sealedSeq: 100,
  sealThroughSeq: 0,
  hot: { rows: 0, bytes: 0 },
  oldestHotMs: null,
  isSealing: false,
  segments: [],
  damagedSegments: [],
  patchedIn: () => [],
  patchShare: 0,
  erasures: [],
  isHot: () => true,
  damagedPartsOf: () => 0,
  keepFromMs: 0,
  oldestDamagedBlockMs: null,
  garbageDueMs: null,
  usageDueMs: null,
  retryMs: new Map(),
}

let operations = 0

function segment(bytes: number, given: Partial<SegmentMeta> = {}): SegmentMeta {
  const createdMs = given.minCreatedMs ?? nowMs - minuteMs
  const meta = {
    rows: 10,
    blocks: 1,
    minSeq: 1,
    maxSeq: 10,
    minMs: createdMs,
    maxMs: createdMs,
    minCreatedMs: createdMs,
    maxCreatedMs: createdMs,
    severityCounts: [0, 0, 10, 0, 0, 0],
    bytes,
    rawBytes: bytes * 8,
    indexBytes: 100,
    sha256: '0'.repeat(64),
    ...given,
  }
  const blocks = [{ minMs: meta.minMs, rows: meta.rows }]
  const identity = { organizationId: 'org', region: 'weur', shard: 0 }
  return { ...meta, key: segmentKey(identity, { meta, blocks, sha256: meta.sha256, operation: ++operations }) }
}

const entries = (metas: readonly SegmentMeta[]) => metas.map((meta, i) => ({ operation: i + 1, meta }))
const view = (given: Partial<JobView>): JobView => ({ ...idle, ...given })

describe('the next job', () => {
  test('is none for an idle shard', () => {
    expect(nextJob(idle)).toBeNull()
    expect(nextJob(view({ segments: entries([segment(mergeSmallBytesMax)]) }))).toBeNull()
  })

  test('seals when enough is hot, or the oldest is old, or sealing has begun, or somebody waits for it', () => {
    const hot = { hot: { rows: 5, bytes: 999 }, oldestHotMs: nowMs - minuteMs }
    expect(nextJob(view(hot))).toEqual({ atMs: nowMs + 4 * minuteMs, job: { kind: 'seal' } })
    expect(nextJob(view({ ...hot, oldestHotMs: nowMs - 6 * minuteMs }))).toMatchObject({ atMs: nowMs - minuteMs })
    for (const more of [{ hot: { rows: 5, bytes: 1000 } }, { isSealing: true }, { sealThroughSeq: 101 }])
      expect(nextJob(view({ ...hot, ...more }))).toEqual({ atMs: nowMs, job: { kind: 'seal' } })
  })

  test('is another one while one that failed has to wait', () => {
    const due = view({ hot: { rows: 5, bytes: 1000 }, oldestHotMs: nowMs, garbageDueMs: nowMs - 1 })
    expect(nextJob(due)?.job.kind).toBe('seal')
    const retryMs = new Map([['seal', nowMs + 5]] as const)
    expect(nextJob({ ...due, retryMs })?.job.kind).toBe('garbage')
    expect(nextJob({ ...due, retryMs, garbageDueMs: null })).toEqual({ atMs: nowMs + 5, job: { kind: 'seal' } })
  })

  test('folds in patches of a segment when the oldest of them is old enough, or when there are too many', () => {
    const [one, two] = [segment(mergeSmallBytesMax), segment(mergeSmallBytesMax)]
    const patched = new Map([
      [one.key, [{ seq: 1, changedMs: nowMs - 10 }]],
      [
        two.key,
        [
          { seq: 2, changedMs: nowMs - 5 },
          { seq: 3, changedMs: nowMs },
        ],
      ],
    ])
    const patches = { segments: entries([one, two]), patchedIn: ({ key }: SegmentMeta) => patched.get(key) ?? [] }
    expect(nextJob(view(patches))).toEqual({ atMs: nowMs - 10 + foldAgeMs, job: { kind: 'fold', segment: one } })
    expect(nextJob(view({ ...patches, patchShare: 0.5 }))).toEqual({ atMs: nowMs, job: { kind: 'fold', segment: two } })
  })

  test('of a delete by query is to seal, then to fold, then to look at each segment that it may concern, then to end', () => {
    const far = segment(mergeSmallBytesMax, { minMs: 0, maxMs: 10 })
    const [one, two] = [segment(mergeSmallBytesMax), segment(mergeSmallBytesMax, { minSeq: 11, maxSeq: 20 })]
    const later = segment(mergeSmallBytesMax)
    const range = { fromMs: nowMs - dayMs, toMs: nowMs }
    const begun = { id: 'one', q: 'x', range, maxSeq: 15, createdMs: nowMs, status: 'running' } as const
    const erasure: StoredErasure = { ...begun, operation: 3, afterKey: '', erased: 0, damaged: 0 }
    const base = { segments: entries([far, one, two, later]), erasures: [erasure] }
    const hot = { hot: { rows: 5, bytes: 1 }, oldestHotMs: nowMs }
    expect(nextJob(view({ ...base, ...hot, sealedSeq: 10, sealThroughSeq: 15 }))?.job).toEqual({ kind: 'seal' })
    expect(nextJob(view({ ...base, sealedSeq: 10 }))).toBeNull()
    expect(nextJob(view({ ...base, sealedSeq: 10, isHot: () => false }))?.job).toMatchObject({ kind: 'erase' })
    const patchedIn = ({ key }: SegmentMeta) => (key === two.key ? [{ seq: 12, changedMs: nowMs - 1 }] : [])
    expect(nextJob(view({ ...base, patchedIn }))).toEqual({ atMs: nowMs, job: { kind: 'fold', segment: two } })
    const [first, second] = [one, two].sort((a, b) => (a.key < b.key ? -1 : 1))
    expect(nextJob(view(base))?.job).toEqual({ kind: 'erase', id: 'one', segment: first })
    const after = (afterKey: string) => nextJob(view({ ...base, erasures: [{ ...erasure, afterKey }] }))?.job
    expect(after(first!.key)).toEqual({ kind: 'erase', id: 'one', segment: second })
    expect(after(second!.key)).toEqual({ kind: 'erase', id: 'one', segment: null })
  })

  test('of retention drops what has wholly expired, and rewrites what has expired by half or by a day', () => {
    const gone = segment(mergeSmallBytesMax, { minCreatedMs: nowMs - 3 * dayMs, maxCreatedMs: nowMs - 2 * dayMs })
    const mixed = segment(mergeSmallBytesMax, { minCreatedMs: nowMs - 2 * dayMs, maxCreatedMs: nowMs })
    const jobAt = (keepFromMs: number, metas: SegmentMeta[]) => nextJob(view({ segments: entries(metas), keepFromMs }))?.job
    expect(jobAt(nowMs - 1.5 * dayMs, [gone, mixed])).toEqual({ kind: 'retention', drop: [gone], rewrite: null })
    expect(jobAt(nowMs - 1.5 * dayMs, [mixed])).toBeUndefined()
    expect(jobAt(nowMs - dayMs, [mixed])).toEqual({ kind: 'retention', drop: [], rewrite: mixed })
    expect(nextJob(view({ damagedSegments: [gone], keepFromMs: nowMs - 1.5 * dayMs }))?.job).toMatchObject({ drop: [gone] })
    expect(jobAt(0, [gone])).toBeUndefined()
  })
})

describe('merging', () => {
  test(`is due at once for ${mergeWidth} small segments of similar size and one day`, () => {
    const small = Array.from({ length: mergeWidth }, (_, i) => segment(1000 + i))
    expect(nextJob(view({ segments: entries(small) }))).toMatchObject({ atMs: nowMs, job: { kind: 'merge', segments: small } })
    const other = segment(1000, { minMs: nowMs - 5 * dayMs, maxMs: nowMs - 5 * dayMs })
    expect(nextJob(view({ segments: entries([...small.slice(1), other]) }))?.atMs).toBeGreaterThan(nowMs)
    const large = segment(1_000_000)
    expect(nextJob(view({ segments: entries([...small.slice(1), large]) }))?.atMs).toBeGreaterThan(nowMs)
  })

  test('takes all small segments of a day that is over and quiet', () => {
    const endMs = Math.ceil(nowMs / dayMs) * dayMs
    const small = [segment(1000), segment(2000), segment(50_000)]
    // The largest would hardly grow, so it waits for more.
    expect(nextJob(view({ segments: entries(small) }))).toEqual({
      atMs: endMs + mergeDayAfterMs,
      job: { kind: 'merge', segments: small.slice(0, 2) },
    })
    const late = [
      segment(1000, { minMs: nowMs - 9 * dayMs, maxMs: nowMs - 9 * dayMs }),
      segment(2000, { minMs: nowMs - 9 * dayMs, maxMs: nowMs - 9 * dayMs }),
    ]
    expect(nextJob(view({ segments: entries(late) }))?.atMs).toBe(nowMs - minuteMs + mergeDayAfterMs)
  })

  test('ends, makes every segment that it takes grow, and so writes each row a bounded number of times', () => {
    const sizes = fc.array(fc.integer({ min: 100, max: mergeSmallBytesMax * 1.5 }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(sizes, (bytes) => {
        const lateMs = nowMs + 30 * dayMs
        let segments: { meta: SegmentMeta; writes: number; first: number }[] = []
        const step = () => {
          const due = nextJob(view({ nowMs: lateMs, segments: entries(segments.map(({ meta }) => meta)) }))
          if (due === null || due.job.kind !== 'merge' || due.atMs > lateMs) return false
          const keys = new Set(due.job.segments.map(({ key }) => key))
          const taken = segments.filter(({ meta }) => keys.has(meta.key))
          const sum = taken.reduce((total, { meta }) => total + meta.bytes, 0)
          expect(sum).toBeLessThanOrEqual(mergeBytesMax)
          for (const { meta } of taken) expect(sum).toBeGreaterThanOrEqual(meta.bytes * mergeGrowthMin)
          const writes = Math.max(...taken.map((each) => each.writes)) + 1
          const first = Math.min(...taken.map((each) => each.first))
          segments = [...segments.filter(({ meta }) => !keys.has(meta.key)), { meta: segment(sum, { rows: 1 }), writes, first }]
          return true
        }
        for (const each of bytes) {
          segments.push({ meta: segment(each, { rows: 1 }), writes: 0, first: each })
          for (let n = 0; step(); n++) expect(n).toBeLessThan(1000)
        }
        for (const { writes, first } of segments)
          expect(writes).toBeLessThanOrEqual(Math.log(mergeSmallBytesMax / first) / Math.log(mergeGrowthMin) + 2)
      }),
      { numRuns: runs(100) },
    )
  })
})

describe('small segments of many days', () => {
  test('are merged with their neighbours in time once there are too many, so that their number follows the data, not the time', () => {
    const yearMs = 365 * dayMs
    const seals = fc.record({ bytes: fc.integer({ min: 1000, max: 300_000 }), strays: fc.boolean(), seed: fc.integer() })
    fc.assert(
      fc.property(seals, ({ bytes, strays, seed }) => {
        let state = seed >>> 0
        const random = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
        let metas: SegmentMeta[] = []
        let sealed = 0
        let merged = 0
        for (let clockMs = nowMs; clockMs < nowMs + 14 * dayMs; clockMs += 20 * minuteMs) {
          const times = { minCreatedMs: clockMs, maxCreatedMs: clockMs }
          const fromMs = nowMs - Math.floor(random() * 10 * yearMs)
          const each = Math.ceil(bytes * (0.5 + random()))
          metas.push(segment(each, { ...times, rows: 1, minMs: fromMs, maxMs: fromMs }))
          if (strays) metas.push(segment(each, { ...times, rows: 1, minMs: nowMs - 10 * yearMs, maxMs: fromMs + yearMs }))
          sealed += strays ? 2 * each : each
          for (let n = 0; ; n++) {
            expect(n).toBeLessThan(100)
            const due = nextJob(view({ nowMs: clockMs, segments: entries(metas) }))
            if (due?.job.kind !== 'merge' || due.atMs > clockMs) break
            const taken = new Set(due.job.segments)
            const sum = due.job.segments.reduce((total, meta) => total + meta.bytes, 0)
            const minMs = Math.min(...due.job.segments.map((meta) => meta.minMs))
            const maxMs = Math.max(...due.job.segments.map((meta) => meta.maxMs))
            metas = [...metas.filter((meta) => !taken.has(meta)), segment(sum, { ...times, rows: 1, minMs, maxMs })]
            merged += sum
          }
          expect(metas.length).toBeLessThanOrEqual(smallSegmentsMax + sealed / mergeSmallBytesMax + 2)
        }
        // Each merge of `mergeWidth` of a size makes one of another size.
        expect(merged / sealed).toBeLessThanOrEqual(Math.log(mergeSmallBytesMax / 500) / Math.log(mergeWidth) + 1)
      }),
      { numRuns: runs(3) },
    )
  })
})

describe('days of a seal', () => {
  const day = (number: number, bytes: number) => ({ day: number, bytes })
  const starts = (days: { day: number; bytes: number }[]) => planParts(days).map(({ fromMs }) => fromMs / dayMs)
  const own = (number: number) => ({ fromMs: number * dayMs, isStray: false })
  const stray = (number: number) => ({ fromMs: number * dayMs, isStray: true })

  test('get segments of their own where both sides are large enough', () => {
    expect(starts([day(10, sealDayBytesMin), day(11, sealDayBytesMin)])).toEqual([0, 11])
    expect(starts([day(10, 100), day(11, sealDayBytesMin)])).toEqual([0])
    expect(starts([day(10, sealDayBytesMin), day(11, 100)])).toEqual([0])
    expect(starts([])).toEqual([])
  })

  test('that clocks tell wrong share one segment, however far apart they are, unless they have much', () => {
    expect(planParts([day(0, 1), day(20_000, 100), day(20_001, 100), day(90_000, 1)])).toEqual([stray(0), own(20_000), stray(90_000)])
    expect(planParts([day(0, 1), day(50, 2), day(100, sealDayBytesMin), day(150, 1), day(200, 2 * sealDayBytesMin)])).toEqual([
      stray(0),
      own(100),
      stray(150),
      own(200),
    ])
  })

  test(`take at most ${sealDaysMax} segments, that of the strays among them`, () => {
    const far = Array.from({ length: 100 }, (_, i) => day(i * 20, 2 * sealDayBytesMin))
    const near = Array.from({ length: 100 }, (_, i) => day(i, 2 * sealDayBytesMin))
    for (const days of [far, near, [...near, day(500, 1)]]) {
      const parts = planParts(days)
      const segments = parts.filter(({ isStray }) => !isStray).length + (parts.some(({ isStray }) => isStray) ? 1 : 0)
      expect(segments).toBeLessThanOrEqual(sealDaysMax)
      expect(segments).toBeGreaterThanOrEqual(sealDaysMax - 1)
    }
  })
})
