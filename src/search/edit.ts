import type { TenantCtx } from '../db/context.ts'
import { problem } from '../core/problems.ts'
import type { LogJson } from '../engine/log_json.ts'
import { logJson } from '../engine/log_json.ts'
import type { RowChange } from '../objects/log-shard/protocol.ts'
import { auditLogChange } from './audit.ts'
import type { MergeInput, ReplaceInput } from './edit_schema.ts'
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
  const { shard, seq } = await findRow(ctx, id)
  await auditLogChange(ctx, replace ? 'log.replace' : 'log.update', id, shard.identity.shard, { fields: Object.keys(input) })
  const change: RowChange = {
    timestampMs: input.timestamp?.ms,
    timestampNs: input.timestamp?.ns,
    severity: input.severity,
    source: input.source,
    message: input.message,
    attributes: input.attributes && { replace, entries: input.attributes },
  }
  const reply = await ask(ctx, shard, ({ rpc, identity }) => rpc.changeRow(identity, seq, change))
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

export function tooManyPatches() {
  return problem('too_many_patches', 'This part of the store holds as many edited and deleted logs as it can before it is merged.')
}
