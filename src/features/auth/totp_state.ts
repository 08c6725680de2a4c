import type * as z from 'zod'
import type { UserCtx } from '../../db/context.ts'
import { secondFactors } from '../../db/schema_identity.ts'
import { confirmedFactorOf, recoveryCodesLeft } from './second_factor.ts'
import type { totpStateSchema } from './session_schema.ts'

/** Whether the caller has a second factor, and how many recovery codes are left. */
export async function totpState(ctx: UserCtx): Promise<z.input<typeof totpStateSchema>> {
  const [factor] = await ctx.db
    .select({ confirmedAt: secondFactors.confirmedAt, left: recoveryCodesLeft(ctx.user.id) })
    .from(secondFactors)
    .where(confirmedFactorOf(ctx.user.id))
  const confirmedAt = factor?.confirmedAt ?? null
  return {
    enabled: confirmedAt !== null,
    confirmed_at: confirmedAt === null ? null : new Date(confirmedAt).toISOString(),
    recovery_codes_left: factor?.left ?? 0,
  }
}
