import type { BaseCtx } from '../../db/context.ts'
import { findMailOwner, sendTokenMail } from './token_mail.ts'

/** Mails a new token that confirms the e-mail, when somebody has it and it is not confirmed. Throws 429 as a reset does. */
export async function resendVerifyEmail(ctx: BaseCtx, email: string): Promise<void> {
  const refusal = await sendTokenMail(ctx, 'verify_email', email, await findMailOwner(ctx, email))
  if (refusal) throw refusal
}
