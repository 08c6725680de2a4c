import { decodeLogId } from '../core/ids.ts'
import { sealedReadTriesMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { TenantCtx } from '../db/context.ts'
import type { LogJson } from '../engine/log_json.ts'
import { logJson } from '../engine/log_json.ts'
import { erasureFilters } from '../engine/query/erasure.ts'
import { everything } from '../engine/query/visible_rows.ts'
import type { StoredRow } from '../engine/row.ts'
import { findSealedRow } from '../engine/segment/find_row.ts'
import type { SealedPlaces, SealedRow } from '../objects/log-shard/protocol_storage.ts'
import { reportDamage } from './damage.ts'
import { queryDeps } from './query_deps.ts'
import type { Shard } from './shards.ts'
import { ask, shardsOf } from './shards.ts'

/** A log by its id. */
export interface FoundLog {
  shard: Shard
  seq: number
  row: StoredRow
  /** Where it is sealed, unless it was edited since. */
  sealed: SealedRow | undefined
}

/** One log of the caller's organization; throws `not_found` for any other id. */
export async function getLog(ctx: TenantCtx, id: string): Promise<LogJson> {
  const { shard, row } = await findRow(ctx, id)
  return logJson(row, shard.identity.shard)
}

/** The row behind an id, in the caller's own organization only; anything else is the same 404. */
export async function findRow(ctx: TenantCtx, id: string): Promise<FoundLog> {
  const place = decodeLogId(id)
  if (place === undefined) throw missing()
  const shard = (await shardsOf(ctx)).find(({ identity }) => identity.shard === place.shard)
  if (shard === undefined) throw missing()
  const found = await findInShard(ctx, shard, place.seq)
  if (found === undefined || found.row.createdMs < queryDeps(ctx).keepFromMs) throw missing()
  return { shard, seq: place.seq, ...found }
}

/** Segments that were merged after the shard named them are looked for anew, a few times. */
async function findInShard(ctx: TenantCtx, shard: Shard, seq: number): Promise<Pick<FoundLog, 'row' | 'sealed'> | undefined> {
  let damaged: { segment: string; reason: string }[] = []
  for (let attempt = 0; attempt < sealedReadTriesMax; attempt++) {
    const reply = await ask(ctx, shard, ({ rpc, identity }) => rpc.getRow(identity, seq))
    if (!('status' in reply)) return reply.row === null ? undefined : { row: reply.row, sealed: undefined }
    const search = await findSealed(ctx, reply, seq)
    if (search.found !== undefined) return { row: search.found.row, sealed: search.found }
    damaged = [...search.damaged, ...search.missing.map((segment) => ({ segment, reason: 'there is no such object' }))]
    if (search.missing.length === 0) break
  }
  const [first] = damaged
  if (first === undefined) return undefined
  reportDamage(ctx, damaged)
  throw problem('damaged_block', `The log may be in a segment that cannot be read: ${first.segment}, ${first.reason}.`)
}

function findSealed(ctx: TenantCtx, { segments, erasures }: SealedPlaces, seq: number) {
  return findSealedRow(segments, seq, { ...everything, erasures: erasureFilters(erasures) }, queryDeps(ctx).reader())
}

function missing() {
  return problem('not_found', 'No such log.')
}
