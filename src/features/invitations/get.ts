import type { TenantCtx } from '../../db/context.ts'
import { findInvitation, invitationJson } from './open.ts'
import type { InvitationJson } from './schema.ts'

export async function getInvitation(ctx: TenantCtx, id: string): Promise<InvitationJson> {
  return invitationJson(await findInvitation(ctx, id), ctx.now())
}
