import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ListedSegment, ShardManifest } from '../../../scripts/verify_segments/check_manifest.ts'
import type { SegmentService } from '../../../scripts/verify_segments/service.ts'
import { connectService } from '../../../scripts/verify_segments/service.ts'
import { verifySegments } from '../../../scripts/verify_segments/verify.ts'
import type { SegmentMeta } from '../../../src/engine/segment/types.ts'
import { hashOfOperation, noHash } from '../../../src/objects/log-shard/manifest_hash.ts'
import type { ManifestOperation } from '../../../src/objects/log-shard/protocol_storage.ts'

const fileOf = (key: string) => Buffer.from(`bytes of ${key}`)
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const nothingGone = { deleted: 0, expired: 0, erased: 0, damaged: 0 }

function meta(key: string, rows: number): SegmentMeta {
  const bytes = fileOf(key)
  const zeros = { minSeq: 1, maxSeq: rows, minMs: 0, maxMs: 0, minCreatedMs: 0, maxCreatedMs: 0, rawBytes: 0, indexBytes: 0 }
  return { key, rows, blocks: 1, ...zeros, severityCounts: [0, 0, rows, 0, 0, 0], bytes: bytes.length, sha256: sha256(bytes) }
}

type Content = Omit<ManifestOperation, 'number' | 'atMs' | 'previousHash' | 'hash'>

const seal = (key: string, fromSeq: number, toSeq: number, deleted = 0): Content => ({
  kind: 'seal',
  added: [meta(key, toSeq - fromSeq + 1 - deleted)],
  removed: [],
  sealed: { fromSeq, toSeq },
  gone: { ...nothingGone, deleted },
})

/** Two seals, a merge of both in which retention removed rows, and another seal. */
const contents: Content[] = [
  seal('a', 1, 100),
  seal('b', 101, 150, 5),
  {
    kind: 'merge',
    added: [meta('c', 135)],
    removed: [
      { key: 'a', rows: 100 },
      { key: 'b', rows: 45 },
    ],
    sealed: null,
    gone: { ...nothingGone, expired: 10 },
  },
  seal('d', 151, 160),
]

/** A service that holds what `contents` leaves; each test changes something about it. */
function world(prunedBefore = 1) {
  const operations: ManifestOperation[] = []
  let last = { number: 0, hash: noHash }
  let anchor = last
  for (const content of contents) {
    const unsigned = { ...content, number: last.number + 1, atMs: 7, previousHash: last.hash }
    const operation: ManifestOperation = { ...structuredClone(unsigned), hash: hashOfOperation(unsigned) }
    last = { number: operation.number, hash: operation.hash }
    if (operation.number < prunedBefore) anchor = last
    else operations.push(operation)
  }
  const manifest: ShardManifest = { shard: 4, region: 'weur', operations, last, anchor }
  const list: ListedSegment[] = [meta('c', 135), meta('d', 10)].map((each) => ({ ...each, id: each.key }))
  const files = new Map(list.map(({ key }) => [key, fileOf(key)]))
  const service: SegmentService = {
    manifests: async () => new Map([[4, structuredClone(manifest)]]),
    segments: async () => new Map([[4, list]]),
    async hashFile(id) {
      const bytes = files.get(id)
      return bytes === undefined ? { missing: 'No such segment.' } : { bytes: bytes.length, sha256: sha256(bytes) }
    },
  }
  return { manifest, list, files, service }
}

async function problemsOf(change: (made: ReturnType<typeof world>) => void, prunedBefore?: number): Promise<string[]> {
  const made = world(prunedBefore)
  change(made)
  return (await verifySegments(made.service, () => {})).problems
}

/** Somebody who alters an operation may also make its own hash right. */
const rehash = (operation: ManifestOperation) => {
  const { hash: _, ...content } = operation
  operation.hash = hashOfOperation(content)
}

describe('npm run verify-segments', () => {
  it('finds nothing wrong where nothing is, and tells what it read', async () => {
    const steps: number[][] = []
    const result = await verifySegments(world().service, (...step) => steps.push(step))
    const bytes = fileOf('c').length + fileOf('d').length
    expect(result).toEqual({ shards: 1, operations: 4, segments: 2, rows: 145, bytes, replaced: 0, problems: [] })
    expect(steps).toEqual([
      [1, 2, fileOf('c').length],
      [2, 2, bytes],
    ])
  })

  it('says in words that the server is down', async () => {
    const asked = connectService({ url: 'http://127.0.0.1:1', apiKey: 'elk' }).manifests()
    await expect(asked).rejects.toMatchObject({ name: 'CommandError', next: 'Start it or check --url.' })
  })

  it('takes a manifest whose beginning was pruned', async () => {
    for (const prunedBefore of [2, 3]) expect(await problemsOf(() => {}, prunedBefore)).toEqual([])
  })

  it.each<[string, (made: ReturnType<typeof world>) => void, RegExp]>([
    ['a byte of a file', ({ files }) => (files.get('c')![3]! ^= 1), /c was altered: its SHA-256/],
    ['a file that was cut', ({ files }) => files.set('c', fileOf('c').subarray(1)), /c has 9 bytes, not 10/],
    ['a lost file', ({ files }) => files.delete('d'), /d is in the manifest, but cannot be read/],
    ['an operation that was altered', ({ manifest }) => (manifest.operations[1]!.atMs = 8), /operation 2 was altered/],
    [
      'an operation that was altered with its hash',
      ({ manifest }) => {
        manifest.operations[1]!.atMs = 8
        rehash(manifest.operations[1]!)
      },
      /operation 3 does not carry the hash/,
    ],
    [
      'the last operation altered with its hash',
      ({ manifest }) => {
        manifest.operations[3]!.atMs = 8
        rehash(manifest.operations[3]!)
      },
      /the chain ends with hash/,
    ],
    ['a lost operation', ({ manifest }) => manifest.operations.splice(1, 1), /operations are missing/],
    ['lost newest operations', ({ manifest }) => manifest.operations.pop(), /the chain ends with operation 3, not 4/],
    ['a lost first operation', ({ manifest }) => manifest.operations.shift(), /operation 2 follows operation 0/],
    ['an anchor that never was', ({ manifest }) => (manifest.anchor = { number: 0, hash: 'f'.repeat(64) }), /the anchor/],
    ['a segment that nobody sealed', ({ list }) => list.push({ ...list[0]!, key: 'x' }), /x is listed, but no operation/],
    ['a segment that is not listed', ({ list }) => list.pop(), /d is in the manifest, but not listed/],
    ['a segment that is listed twice', ({ list }) => list.push(list[0]!), /c is listed twice/],
    ['a list with another hash', ({ list }) => (list[0]!.sha256 = '0'), /another hash/],
    ['a list with other rows', ({ list }) => (list[0]!.rows = 1), /another size/],
  ])('finds %s', async (_, change, problem) => {
    const problems = await problemsOf(change)
    expect(problems.some((each) => problem.test(each))).toBe(true)
    expect(problems.every((each) => each.startsWith('shard 4: '))).toBe(true)
  })

  it.each<[string, (operations: ManifestOperation[]) => void, RegExp]>([
    ['rows that vanish', (operations) => (operations[2]!.gone.expired = 9), /operation 3 \(merge\) took 145 rows and accounts for 144/],
    ['rows that appear', (operations) => (operations[0]!.added[0]!.rows = 101), /operation 1 \(seal\) took 100 rows and accounts for 101/],
    ['sequence numbers sealed twice', (operations) => (operations[3]!.sealed = { fromSeq: 141, toSeq: 150 }), /but 150 was the last/],
    ['sequence numbers left out', (operations) => (operations[3]!.sealed = { fromSeq: 152, toSeq: 161 }), /but 150 was the last/],
    ['a segment removed that was not there', (operations) => (operations[2]!.removed[0]!.key = 'z'), /removes z, which was not there/],
    ['a segment added twice', (operations) => (operations[1]!.added[0]!.key = 'a'), /adds a, which is there already/],
  ])('finds %s, though all hashes are right', async (_, change, problem) => {
    const problems = await problemsOf(({ manifest }) => {
      change(manifest.operations)
      for (const [i, operation] of manifest.operations.entries()) {
        operation.previousHash = manifest.operations[i - 1]?.hash ?? noHash
        rehash(operation)
      }
      manifest.last.hash = manifest.operations[3]!.hash
    })
    expect(problems.some((each) => problem.test(each))).toBe(true)
  })

  it('looks again when the shard sealed meanwhile, and takes a replaced segment for what it is', async () => {
    const made = world()
    const whole = { ...made.manifest, operations: made.manifest.operations }
    const earlier = { ...whole, operations: whole.operations.slice(0, 3), last: { number: 3, hash: whole.operations[2]!.hash } }
    let asked = 0
    made.service.manifests = async () => new Map([[4, asked++ === 0 ? earlier : whole]])
    expect((await verifySegments(made.service, () => {})).problems).toEqual([])
    let listed = 0
    made.files.delete('d')
    made.service.segments = async () => new Map([[4, listed++ === 0 ? made.list : made.list.slice(0, 1)]])
    expect(await verifySegments(made.service, () => {})).toMatchObject({ replaced: 1, segments: 1, problems: [] })
  })
})
