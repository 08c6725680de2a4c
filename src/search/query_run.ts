import type { TenantCtx } from '../db/context.ts'
import type { QueryDeps } from './query_deps.ts'
import { queryDeps } from './query_deps.ts'
import type { Shard } from './shards.ts'
import { shardsOf } from './shards.ts'

/** What a query runs with; a dashboard gives its panels shards that were looked up once, and their part of its budget. */
export interface QueryRun {
  readonly shards: readonly Shard[]
  readonly deps: QueryDeps
}

/** The run of a query that stands alone; its time begins now. */
export async function queryRun(ctx: TenantCtx): Promise<QueryRun> {
  const shards = await shardsOf(ctx)
  return { shards, deps: queryDeps(ctx) }
}
