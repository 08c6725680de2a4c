import type { TenantCtx } from '../../db/context.ts'
import { findMember, memberJson } from './member.ts'
import type { MemberJson } from './schema.ts'

export async function getMember(ctx: TenantCtx, userId: string): Promise<MemberJson> {
  return memberJson(await findMember(ctx, userId))
}
