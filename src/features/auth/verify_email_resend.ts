import type { BaseCtx } from '../../db/context.ts'
import { takePlace } from './throttle.ts'
import { findMailOwner, sendTokenMail } from './token_mail.ts'

/** Mails a new token that confirms the e-mail, when somebody has it and it is not confirmed. Any e-mail costs the same. */
export async function resendVerifyEmail(ctx: BaseCtx, email: string): Promise<void> {
  await takePlace(ctx, { kind: 'verify_email', subject: email })
  await sendTokenMail(ctx, 'verify_email', email, await findMailOwner(ctx, email))
}
