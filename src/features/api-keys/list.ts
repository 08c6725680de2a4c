import { and, count } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { holds, listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { apiKeys } from '../../db/schema.ts'
import { apiKeyJson } from './json.ts'
import { liveKeys } from './live.ts'
import type { ApiKeyJson, listApiKeysQuery } from './schema.ts'

const columns = { created_at: apiKeys.createdAt, name: apiKeys.name, expires_at: apiKeys.expiresAt, last_used_at: apiKeys.lastUsedAt }

/** One page of the organization's keys, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listApiKeys(ctx: TenantCtx, query: z.output<typeof listApiKeysQuery>): Promise<ListPage<ApiKeyJson>> {
  const where = and(liveKeys(ctx), holds(apiKeys.name, query.search))
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(apiKeys).where(where),
    ctx.db
      .select()
      .from(apiKeys)
      .where(where)
      .orderBy(...orderOf(columns, query.ordering, apiKeys.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  return listPage(totals, rows.map(apiKeyJson))
}
