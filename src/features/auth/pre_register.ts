import type { BaseCtx } from '../../db/context.ts'
import { preRegistrations } from '../../db/schema_identity.ts'
import { takePlace } from './throttle.ts'

/** Keeps an e-mail for the launch, once. Nobody learns whether it was there. */
export async function preRegister(ctx: BaseCtx, email: string): Promise<void> {
  await takePlace(ctx, { kind: 'pre_register', subject: email })
  await ctx.db.insert(preRegistrations).values({ email, createdAt: ctx.now() }).onConflictDoNothing()
}
