import { decodeLogId } from '../core/ids.ts'
import { problem } from '../core/problems.ts'
import type { TenantCtx } from '../db/context.ts'
import type { LogJson } from '../engine/log_json.ts'
import { logJson } from '../engine/log_json.ts'
import type { StoredRow } from '../engine/row.ts'
import type { Shard } from './shards.ts'
import { ask, shardsOf } from './shards.ts'

/** One log of the caller's organization; throws `not_found` for any other id. */
export async function getLog(ctx: TenantCtx, id: string): Promise<LogJson> {
  const { shard, row } = await findRow(ctx, id)
  return logJson(row, shard.identity.shard)
}

/** The row behind an id, in the caller's own organization only; anything else is the same 404. */
export async function findRow(ctx: TenantCtx, id: string): Promise<{ shard: Shard; seq: number; row: StoredRow }> {
  const place = decodeLogId(id)
  if (place === undefined) throw missing()
  const shard = (await shardsOf(ctx)).find(({ identity }) => identity.shard === place.shard)
  if (shard === undefined) throw missing()
  const { row } = await ask(ctx, shard, ({ rpc, identity }) => rpc.getRow(identity, place.seq))
  if (row === null) throw missing()
  return { shard, seq: place.seq, row }
}

function missing() {
  return problem('not_found', 'No such log.')
}
