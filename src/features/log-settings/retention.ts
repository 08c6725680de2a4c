import { eq } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import { organizations } from '../../db/schema.ts'

/** Days that the organization's logs are kept, as D1 has it now; an API key's own copy may be a minute old. */
export async function getRetention(ctx: TenantCtx): Promise<{ days: number | null }> {
  const [row] = await ctx.db
    .select({ days: organizations.retentionDays })
    .from(organizations)
    .where(eq(organizations.id, ctx.tenant.organizationId))
  if (row === undefined) throw problem('not_found', 'There is no such organization.')
  return row
}
