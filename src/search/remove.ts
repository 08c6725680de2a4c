import type { TenantCtx } from '../db/context.ts'
import { problem } from '../core/problems.ts'
import { auditLogChange } from './audit.ts'
import { tooManyPatches, withSealedRow } from './edit.ts'
import { findRow } from './get.ts'
import { ask } from './shards.ts'

/** Deletes one log for ever; it is found by no query from then on. */
export async function deleteLog(ctx: TenantCtx, id: string): Promise<void> {
  const found = await findRow(ctx, id)
  const { shard } = found
  await auditLogChange(ctx, 'log.delete', id, shard.identity.shard, {})
  const { status } = await withSealedRow(ctx, found, id, ({ seq, sealed }) =>
    ask(ctx, shard, ({ rpc, identity }) => rpc.deleteRow(identity, seq, sealed)),
  )
  if (status === 'missing') throw problem('not_found', 'No such log.')
  if (status === 'too_many_patches') throw tooManyPatches()
}
