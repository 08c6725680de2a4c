import { and, asc, count, desc, sql } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { apiKeys } from '../../db/schema.ts'
import { apiKeyJson } from './json.ts'
import { liveKeys } from './live.ts'
import type { ApiKeyJson, listApiKeysQuery } from './schema.ts'

const columns = { created_at: apiKeys.createdAt, name: apiKeys.name, expires_at: apiKeys.expiresAt, last_used_at: apiKeys.lastUsedAt }

/** One page of the organization's keys, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listApiKeys(
  ctx: TenantCtx,
  { page, page_size, ordering, search }: z.output<typeof listApiKeysQuery>,
): Promise<{ count: number; results: ApiKeyJson[] }> {
  // instr and not LIKE: D1 limits patterns to 50 bytes, and `%` in a name means itself.
  const where = and(liveKeys(ctx), search === undefined ? undefined : sql`instr(lower(${apiKeys.name}), lower(${search})) > 0`)
  const direction = ordering.startsWith('-') ? desc : asc
  const column = columns[ordering.replace(/^-/, '') as keyof typeof columns]
  const [[total], rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(apiKeys).where(where),
    ctx.db
      .select()
      .from(apiKeys)
      .where(where)
      .orderBy(direction(column), direction(apiKeys.id))
      .limit(page_size)
      .offset((page - 1) * page_size),
  ])
  return { count: total?.count ?? 0, results: rows.map(apiKeyJson) }
}
