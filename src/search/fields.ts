import { fieldNamesMax } from '../core/limits.ts'
import type { TenantCtx } from '../db/context.ts'
import { fieldTypes, queryNameOf } from '../engine/query/fields_present.ts'
import { aggregateLogs } from './aggregate.ts'
import type { FieldsInput } from './analytics_schema.ts'
import { queryDeps } from './query_deps.ts'
import { checkQuery } from './query_text.ts'
import { shardsOf } from './shards.ts'
import { footOf } from './stats.ts'
import { parseRange } from './time_range.ts'

/** The attributes that the logs that match have, with the types of their values. */
export async function fieldsOfLogs(ctx: TenantCtx, { q, from, to }: FieldsInput) {
  const startedMs = ctx.now()
  checkQuery(q)
  const range = parseRange(from, to, startedMs)
  const shards = await shardsOf(ctx)
  const scanned = await aggregateLogs(queryDeps(ctx), shards, { q, range }, { kind: 'fields' })
  const { fields, isCut } = scanned.result
  return {
    count: scanned.cost.rowsMatched,
    fields: fields
      .slice(0, fieldNamesMax)
      .map(({ name, rows, blocks }) => ({ field: queryNameOf(name), types: typesIn(blocks), count: rows })),
    truncated: isCut || fields.length > fieldNamesMax,
    ...footOf(ctx, shards, scanned, startedMs),
  }
}

/** The types that occur, those of most blocks first. */
function typesIn(blocks: readonly number[]) {
  const types = fieldTypes.map((type, i) => ({ type, count: blocks[i]! })).filter(({ count }) => count > 0)
  return types.sort((a, b) => b.count - a.count).map(({ type }) => type)
}
