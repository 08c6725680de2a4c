import type { TenantCtx } from '../../db/context.ts'
import { apiKeys } from '../../db/schema.ts'
import { apiKeyJson } from './json.ts'
import { liveKeys, noSuchKey } from './live.ts'
import type { ApiKeyJson } from './schema.ts'

export async function getApiKey(ctx: TenantCtx, id: string): Promise<ApiKeyJson> {
  const [row] = await ctx.db.select().from(apiKeys).where(liveKeys(ctx, id))
  if (!row) throw noSuchKey()
  return apiKeyJson(row)
}
