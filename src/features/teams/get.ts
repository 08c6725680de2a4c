import type { TenantCtx } from '../../db/context.ts'
import type { TeamJson } from './schema.ts'
import { findTeam, teamJson } from './team.ts'

export async function getTeam(ctx: TenantCtx, id: string): Promise<TeamJson> {
  return teamJson(await findTeam(ctx, id))
}
