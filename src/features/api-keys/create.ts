import { eq, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { apiKeysPerOrganizationMax } from '../../core/limits.ts'
import { kindScopes } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import { actorStillMay, requireStill } from '../../db/actor_may.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { apiKeys } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { checkFields } from './check_fields.ts'
import { apiKeyJson } from './json.ts'
import { newApiKey } from './key.ts'
import { liveKeys } from './live.ts'
import type { createApiKeySchema, createdApiKeySchema } from './schema.ts'

/** A new key; the answer is the only place where it ever shows. Only a person can make one. */
export async function createApiKey(
  ctx: TenantCtx,
  input: z.output<typeof createApiKeySchema>,
): Promise<z.input<typeof createdApiKeySchema>> {
  const { name, kind } = input
  if (ctx.actor.kind !== 'user') throw problem('forbidden', 'An API key cannot make keys.')
  const scopes = [...(input.scopes ?? kindScopes[kind])]
  const now = ctx.now()
  const expiresAt = input.expires_at === null ? null : Date.parse(input.expires_at)
  checkFields(ctx, { kind, scopes, expiresAt, rateLimitPerMinute: input.rate_limit_per_minute })

  const id = ctx.newId()
  const { key, keyHash, hint } = newApiKey(kind)
  const { organizationId } = ctx.tenant
  const [rows] = await ctx.db.batch([
    // In the order of the table's columns, as drizzle wants it.
    ctx.db
      .insert(apiKeys)
      .select(
        sql`select ${organizationId}, ${id}, ${name}, ${kind}, ${JSON.stringify(scopes)}, ${keyHash}, ${hint}, ${ctx.actor.userId},
          ${now}, ${now}, ${expiresAt}, null, null, null, null, ${input.rate_limit_per_minute}
          where (select count(*) from ${apiKeys} where ${liveKeys(ctx)}) < ${apiKeysPerOrganizationMax}
            and ${actorStillMay(ctx, 'api_keys:write')}`,
      )
      .returning(),
    auditEntry(
      ctx,
      { action: 'api_key.create', target: { kind: 'api_key', id }, details: { ...input, scopes } },
      apiKeys,
      inTenant(ctx, apiKeys, eq(apiKeys.id, id)),
    ),
  ])
  const row = rows[0]
  if (!row) {
    await requireStill(ctx, 'api_keys:write')
    throw problem('conflict', `An organization can have at most ${apiKeysPerOrganizationMax} API keys. Revoke some first.`)
  }
  return { ...apiKeyJson(row), key }
}
