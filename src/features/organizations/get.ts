import type { TenantCtx } from '../../db/context.ts'
import { organizations } from '../../db/schema.ts'
import { noSuchOrganization, organizationJson, personOf } from './json.ts'
import { liveOrganization } from './live.ts'
import type { OrganizationJson } from './schema.ts'

export async function getOrganization(ctx: TenantCtx): Promise<OrganizationJson> {
  const [row] = await ctx.db.select().from(organizations).where(liveOrganization(ctx))
  if (!row) throw noSuchOrganization()
  return organizationJson(row, personOf(ctx.actor).roles)
}
