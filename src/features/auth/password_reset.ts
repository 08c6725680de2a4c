import type { BaseCtx } from '../../db/context.ts'
import { findMailOwner, sendTokenMail } from './token_mail.ts'

/** Mails a token that sets a new password, when somebody has the e-mail. Throws 429 beyond the limits, for any e-mail alike. */
export async function requestPasswordReset(ctx: BaseCtx, email: string): Promise<void> {
  const refusal = await sendTokenMail(ctx, 'reset_password', email, await findMailOwner(ctx, email))
  if (refusal) throw refusal
}
