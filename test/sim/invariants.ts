import { createHash } from 'node:crypto'
import { noReadCost } from '../../src/engine/block/read_cost.ts'
import type { StoredRow } from '../../src/engine/row.ts'
import { readSegment } from '../../src/engine/segment/reader.ts'
import type { SegmentMeta } from '../../src/engine/segment/types.ts'
import type { ManifestOperation } from '../../src/objects/log-shard/protocol_storage.ts'
import { checkUsage } from './account.ts'
import { holds, same } from './oracle.ts'
import type { ShardHost } from './shard_host.ts'
import type { Organization, SimWorld } from './world.ts'

const noHash = '0'.repeat(64)
const pageOperations = 100

/** What must hold at every moment, whatever was killed in between. */
export function checkWorld(world: SimWorld): void {
  const known = new Set<string>()
  for (const organization of world.organizations) {
    for (const host of organization.shards) {
      host.sql.undisturbed(() => checkShard(world, organization, host))
      for (const key of [...presentKeys(host), ...garbageKeys(host)]) {
        holds(`the object ${key} belongs to one shard`, !known.has(key), key)
        known.add(key)
      }
    }
  }
  for (const key of world.objects.objects.keys()) {
    holds(`the object ${key} is in a manifest, or is to be deleted`, known.has(key) || world.objects.strays.has(key), [...known])
  }
}

/** What must hold besides when nothing is left to do: no garbage, no alarm, no row that should be gone. */
export function checkAtRest(world: SimWorld): void {
  for (const organization of world.organizations) {
    for (const host of organization.shards) checkShardAtRest(world, organization, host)
  }
}

function checkShardAtRest(world: SimWorld, { keepFromMs }: Organization, host: ShardHost): void {
  same(`the garbage of ${host.name}`, garbageKeys(host), [])
  same(`the alarm of ${host.name}`, host.alarm.atMs, null)
  const { hot, damaged, segments } = host.core().segments(host.identity)
  if (damaged.length > 0) return
  same(`the hot blocks of ${host.name}`, hot.blocks, 0)
  for (const row of segments.flatMap((meta) => rowsOfSegment(world, meta))) {
    if (row.createdMs >= keepFromMs) same(`row ${row.seq} of ${host.name} in its segment`, row, host.oracle.get(row.seq))
  }
}

function checkShard(world: SimWorld, organization: Organization, host: ShardHost): void {
  const core = host.core()
  const state = core.segments(host.identity)
  const { operations, anchored } = checkManifest(host)
  same(`the newest row of ${host.name}`, state.lastSeq, host.oracle.lastSeq())
  if (!anchored) checkFold(host, operations, state.segments, state.sealedSeq)
  checkSegments(world, host, state.segments, state.sealedSeq)
  checkUsage(organization, host)
  const hot = state.lastSeq - state.sealedSeq
  if (state.damaged.length === 0) same(`the hot rows of ${host.name}`, state.hot.rows, hot)
}

/** Reads the whole manifest and checks its chain of hashes with code of its own. */
function checkManifest(host: ShardHost): { operations: ManifestOperation[]; anchored: boolean } {
  const operations: ManifestOperation[] = []
  const first = host.core().manifest(host.identity, { afterNumber: 0, limit: pageOperations })
  for (let page = first; page.operations.length > 0;) {
    operations.push(...page.operations)
    page = host.core().manifest(host.identity, { afterNumber: operations.at(-1)!.number, limit: pageOperations })
  }
  let { number, hash } = first.anchor
  if (number === 0) same('the hash before the first operation', hash, noHash)
  for (const operation of operations) {
    const { hash: stated, ...content } = operation
    same(`the number of an operation of ${host.name}`, operation.number, ++number)
    same(`the hash before operation ${number} of ${host.name}`, operation.previousHash, hash)
    hash = createHash('sha256').update(sortedJson(content)).digest('hex')
    same(`the hash of operation ${number} of ${host.name}`, stated, hash)
    checkConservation(host, operation)
  }
  same(`the newest operation of ${host.name}`, first.last, { number, hash })
  return { operations, anchored: first.anchor.number > 0 }
}

/** No operation may lose or invent a row. */
function checkConservation({ name }: ShardHost, { number, kind, added, removed, sealed, gone }: ManifestOperation): void {
  const rowsOf = (list: readonly { rows: number }[]) => list.reduce((sum, { rows }) => sum + rows, 0)
  const before = rowsOf(removed) + (sealed === null ? 0 : sealed.toSeq - sealed.fromSeq + 1)
  const after = rowsOf(added) + gone.deleted + gone.expired + gone.erased + gone.damaged
  same(`the rows after operation ${number} (${kind}) of ${name}`, after, before)
  same(`whether operation ${number} of ${name} seals`, sealed !== null, kind === 'seal')
}

function checkFold(
  { name }: ShardHost,
  operations: readonly ManifestOperation[],
  segments: readonly SegmentMeta[],
  sealedSeq: number,
): void {
  const present = new Map<string, SegmentMeta>()
  let nextSeq = 1
  for (const { number, added, removed, sealed } of operations) {
    for (const { key, rows } of removed) {
      same(`the rows of ${key} as operation ${number} of ${name} removes it`, rows, present.get(key)?.rows)
      present.delete(key)
    }
    for (const meta of added) {
      holds(`operation ${number} of ${name} adds ${meta.key} anew`, !present.has(meta.key), meta.key)
      present.set(meta.key, meta)
    }
    if (sealed === null) continue
    same(`the first row that operation ${number} of ${name} seals`, sealed.fromSeq, nextSeq)
    nextSeq = sealed.toSeq + 1
  }
  same(`the newest sealed row of ${name}`, sealedSeq, nextSeq - 1)
  same(`the segments of ${name}`, byKey(segments), byKey([...present.values()]))
}

/** Every sealed row that is not gone is in one segment; each object is what the manifest says. */
function checkSegments(world: SimWorld, host: ShardHost, segments: readonly SegmentMeta[], sealedSeq: number): void {
  const seqs = new Set<number>()
  for (const meta of segments) {
    for (const { seq } of rowsOfSegment(world, meta)) {
      holds(`row ${seq} of ${host.name} is in one segment`, !seqs.has(seq), meta.key)
      holds(`row ${seq} of ${host.name} in ${meta.key} was sealed`, seq <= sealedSeq, sealedSeq)
      seqs.add(seq)
    }
  }
  const { keepFromMs } = world.organizations.find(({ id }) => id === host.identity.organizationId)!
  const left = leftOut(host)
  for (let seq = 1; seq <= sealedSeq; seq++) {
    const row = host.oracle.get(seq)
    if (row === null || row.createdMs < keepFromMs || left.has(seq)) continue
    holds(`row ${seq} of ${host.name} is in a segment`, seqs.has(seq), row)
  }
}

/** Rows of damaged hot blocks, which no segment can take. */
function leftOut(host: ShardHost): Set<number> {
  const rows = host.sql.db.prepare(`SELECT first_seq, rows FROM blocks_0`).all() as { first_seq: number; rows: number }[]
  return new Set(rows.flatMap(({ first_seq: first, rows: count }) => Array.from({ length: count }, (_, i) => first + i)))
}

const decoded = new WeakMap<Uint8Array, StoredRow[]>()

/** The rows of a segment as it was written, its content checked against what the manifest says of it. */
export function rowsOfSegment(world: SimWorld, meta: SegmentMeta): StoredRow[] {
  const bytes = world.objects.written(meta.key)
  if (bytes === undefined) throw new Error(`the object ${meta.key} is missing`)
  const known = decoded.get(bytes)
  if (known !== undefined) return known
  same(`the hash of ${meta.key}`, createHash('sha256').update(bytes).digest('hex'), meta.sha256)
  const file = readSegment(bytes)
  const { key: _, sha256: __, ...content } = meta
  same(`what the manifest says of ${meta.key}`, content, file.meta)
  const rows = file.index.blocks.flatMap((entry, n) => {
    return file.open(n, noReadCost()).materialise(Array.from({ length: entry.meta.rows }, (_, row) => row))
  })
  checkMeta(meta, rows)
  decoded.set(bytes, rows)
  return rows
}

/** The manifest's entry tells the truth, or queries would skip what they must not. */
function checkMeta(meta: SegmentMeta, rows: readonly StoredRow[]): void {
  const extent = (of: (row: StoredRow) => number) => [Math.min(...rows.map(of)), Math.max(...rows.map(of))]
  same(`the rows of ${meta.key}`, meta.rows, rows.length)
  same(
    `the sequence numbers of ${meta.key}`,
    [meta.minSeq, meta.maxSeq],
    extent(({ seq }) => seq),
  )
  same(
    `the times of ${meta.key}`,
    [meta.minMs, meta.maxMs],
    extent(({ timestampMs }) => timestampMs),
  )
  same(
    `the times of receipt of ${meta.key}`,
    [meta.minCreatedMs, meta.maxCreatedMs],
    extent(({ createdMs }) => createdMs),
  )
  const counts = [0, 0, 0, 0, 0, 0]
  for (const { severity } of rows) counts[severity]!++
  same(`the severities of ${meta.key}`, meta.severityCounts, counts)
  const inOrder = rows.every((row, i) => {
    const before = rows[i - 1]
    return (
      before === undefined || (before.timestampMs - row.timestampMs || before.timestampNs - row.timestampNs || before.seq - row.seq) < 0
    )
  })
  holds(`the rows of ${meta.key} are in the order of time`, inOrder)
}

function presentKeys(host: ShardHost): string[] {
  return (host.sql.db.prepare(`SELECT key FROM segments`).all() as { key: string }[]).map(({ key }) => key)
}

function garbageKeys(host: ShardHost): string[] {
  return (host.sql.db.prepare(`SELECT key FROM garbage`).all() as { key: string }[]).map(({ key }) => key)
}

function byKey(segments: readonly SegmentMeta[]): SegmentMeta[] {
  return [...segments].sort((a, b) => (a.key < b.key ? -1 : 1))
}

function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
