import type { TenantCtx } from '../db/context.ts'
import { problem } from '../core/problems.ts'
import { auditLogChange } from './audit.ts'
import { tooManyPatches } from './edit.ts'
import { findRow } from './get.ts'
import { ask } from './shards.ts'

/** Deletes one log for ever; it is found by no query from then on. */
export async function deleteLog(ctx: TenantCtx, id: string): Promise<void> {
  const { shard, seq } = await findRow(ctx, id)
  await auditLogChange(ctx, 'log.delete', id, shard.identity.shard, {})
  const { status } = await ask(ctx, shard, ({ rpc, identity }) => rpc.deleteRow(identity, seq))
  if (status === 'missing') throw problem('not_found', 'No such log.')
  if (status === 'too_many_patches') throw tooManyPatches()
}
