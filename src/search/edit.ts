import { sealedReadTriesMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { TenantCtx } from '../db/context.ts'
import type { LogJson } from '../engine/log_json.ts'
import { logJson } from '../engine/log_json.ts'
import type { RowChange } from '../objects/log-shard/protocol.ts'
import { auditLogChange } from './audit.ts'
import type { MergeInput, ReplaceInput } from './edit_schema.ts'
import type { FoundLog } from './get.ts'
import { findRow } from './get.ts'
import { ask } from './shards.ts'

/** PUT: everything of the log but its id and time of receipt becomes what is given. */
export function replaceLog(ctx: TenantCtx, id: string, input: ReplaceInput): Promise<LogJson> {
  return changeLog(ctx, id, input, true)
}

/** PATCH: only what is given changes. */
export function mergeLog(ctx: TenantCtx, id: string, input: MergeInput): Promise<LogJson> {
  return changeLog(ctx, id, input, false)
}

async function changeLog(ctx: TenantCtx, id: string, input: MergeInput, replace: boolean): Promise<LogJson> {
  const found = await findRow(ctx, id)
  const { shard } = found
  await auditLogChange(ctx, replace ? 'log.replace' : 'log.update', id, shard.identity.shard, { fields: Object.keys(input) })
  const change: RowChange = {
    timestampMs: input.timestamp?.ms,
    timestampNs: input.timestamp?.ns,
    severity: input.severity,
    source: input.source,
    message: input.message,
    attributes: input.attributes && { replace, entries: input.attributes },
  }
  const reply = await withSealedRow(ctx, found, id, ({ seq, sealed }) =>
    ask(ctx, shard, ({ rpc, identity }) => rpc.changeRow(identity, seq, change, sealed)),
  )
  switch (reply.status) {
    case 'changed':
      return logJson(reply.row, shard.identity.shard)
    case 'missing':
      throw problem('not_found', 'No such log.')
    case 'too_large':
      throw problem('payload_too_large', reply.detail)
    case 'too_many_patches':
      throw tooManyPatches()
  }
}

/**
 * Changes a row that may be sealed. Where its segment was rewritten after it was read, it is read there again: a few times,
 * for rewrites are rare.
 */
export async function withSealedRow<T extends { status: string }>(
  ctx: TenantCtx,
  first: FoundLog,
  id: string,
  change: (found: FoundLog) => Promise<T>,
): Promise<Exclude<T, { status: 'sealed' }>> {
  let found = first
  for (let attempt = 0; attempt < sealedReadTriesMax; attempt++) {
    const reply = await change(found)
    if (reply.status !== 'sealed') return reply as Exclude<T, { status: 'sealed' }>
    found = await findRow(ctx, id)
  }
  throw problem('unavailable', 'The stored logs are being rewritten. Try again shortly.')
}

export function tooManyPatches() {
  return problem('too_many_patches', 'This part of the store holds as many edited and deleted logs as it can before it is merged.')
}
