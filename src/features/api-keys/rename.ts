import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { apiKeys } from '../../db/schema.ts'
import { apiKeyJson } from './json.ts'
import { liveKeys, noSuchKey } from './live.ts'
import type { ApiKeyJson } from './schema.ts'

export async function renameApiKey(ctx: TenantCtx, { id, name }: { id: string; name: string }): Promise<ApiKeyJson> {
  const where = liveKeys(ctx, id)
  const entry = { action: 'api_key.rename', target: { kind: 'api_key', id }, details: { name } }
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, entry, apiKeys, where),
    ctx.db.update(apiKeys).set({ name, updatedAt: ctx.now() }).where(where).returning(),
  ])
  const row = rows[0]
  if (!row) throw noSuchKey()
  return apiKeyJson(row)
}
