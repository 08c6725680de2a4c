import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import type { SegmentMeta } from '../../engine/segment/types.ts'
import type { StorageState } from '../../objects/log-shard/protocol_storage.ts'
import { ask, shardsOf } from '../shards.ts'
import type { Shard } from '../shards.ts'

interface Page<T> {
  results: T[]
  next: string | null
}

/** Sealed segments that there are now, by shard and key. */
export async function listSegments(ctx: TenantCtx, { limit, cursor }: { limit: number; cursor?: string | undefined }) {
  const start = place(cursor, /^(\d{1,5})~([\w.-]{1,80})$/)
  return pageOver(ctx, start, limit, async (shard, after, room) => {
    const listed = (await storageOf(ctx, shard)).segments
      .map((meta) => ({ id: segmentId(meta.key), meta }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    const { shard: number, region } = shard.identity
    return listed
      .filter(({ id }) => after === undefined || id > after)
      .slice(0, room)
      .map(({ id, meta }) => ({ place: id, entry: { shard: number, region, segment: segmentJson(id, meta) } }))
  })
}

/** The hash-chained operations that made these segments, by shard and number, and where each chain stands. */
export async function listOperations(ctx: TenantCtx, { limit, cursor }: { limit: number; cursor?: string | undefined }) {
  const start = place(cursor, /^(\d{1,5})~(\d{1,15})$/)
  const shards: { shard: number; region: string; last: Chain; anchor: Chain }[] = []
  const page = await pageOver(ctx, start, limit, async (shard, after, room) => {
    const asked = { afterNumber: Number(after ?? 0), limit: room }
    const { operations, last, anchor } = await ask(ctx, shard, ({ rpc, identity }) => rpc.manifest(identity, asked))
    const { shard: number, region } = shard.identity
    shards.push({ shard: number, region, last, anchor })
    return operations.map((operation) => ({ place: String(operation.number), entry: { shard: number, region, operation } }))
  })
  return { ...page, shards }
}

/** What one shard stores. */
export async function storageOf(ctx: TenantCtx, shard: Shard): Promise<StorageState> {
  const { state } = await ask(ctx, shard, async ({ rpc, identity }) => ({ state: await rpc.segments(identity) }))
  return state
}

interface Chain {
  number: number
  hash: string
}

/** Reads shard after shard until the page is full; `read` answers at most `room` entries behind the place `after`. */
async function pageOver<T>(
  ctx: TenantCtx,
  start: { shard: number; after: string } | undefined,
  limit: number,
  read: (shard: Shard, after: string | undefined, room: number) => Promise<{ place: string; entry: T }[]>,
): Promise<Page<T>> {
  const results: T[] = []
  for (const shard of await shardsOf(ctx)) {
    const { shard: number } = shard.identity
    if (start !== undefined && number < start.shard) continue
    const found = await read(shard, number === start?.shard ? start.after : undefined, limit - results.length)
    for (const { entry } of found) results.push(entry)
    const last = found.at(-1)
    if (results.length === limit && last !== undefined) return { results, next: `${number}~${last.place}` }
  }
  return { results, next: null }
}

function place(cursor: string | undefined, form: RegExp): { shard: number; after: string } | undefined {
  if (cursor === undefined) return undefined
  const [, shard, after] = form.exec(cursor) ?? []
  if (shard === undefined || after === undefined) throw problem('invalid_cursor', 'The cursor is not one that this service made.')
  return { shard: Number(shard), after }
}

/** `org/<org>/<region>/<yyyy>/<mm>/<dd>/<name>.seg` without what the caller's organization says. */
export function segmentId(key: string): string {
  const [, , region, year, month, day, name] = key.split('/')
  return `${region}.${year}${month}${day}.${name?.replace(/\.seg$/, '')}`
}

/** The key of an id under the organization of the caller, and the number of the shard that wrote it. */
export function segmentKey(organizationId: string, id: string): { key: string; shard: number } {
  const [region = '', date = '', name = ''] = id.split('.')
  const key = `org/${organizationId}/${region}/${date.slice(0, 4)}/${date.slice(4, 6)}/${date.slice(6)}/${name}.seg`
  return { key, shard: Number(name.split('-')[0]) }
}

function segmentJson(id: string, meta: SegmentMeta) {
  const time = (ms: number) => new Date(ms).toISOString()
  return {
    id,
    key: meta.key,
    rows: meta.rows,
    bytes: meta.bytes,
    raw_bytes: meta.rawBytes,
    sha256: meta.sha256,
    from: time(meta.minMs),
    to: time(meta.maxMs),
    received_from: time(meta.minCreatedMs),
    received_to: time(meta.maxCreatedMs),
    min_seq: meta.minSeq,
    max_seq: meta.maxSeq,
  }
}
