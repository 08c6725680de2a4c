import type { BaseCtx } from '../../db/context.ts'
import { takePlace } from './throttle.ts'
import { findMailOwner, sendTokenMail } from './token_mail.ts'

/** Mails a token that sets a new password, when somebody has the e-mail. Known and unknown ones cost the same D1 round trips. */
export async function requestPasswordReset(ctx: BaseCtx, email: string): Promise<void> {
  await takePlace(ctx, { kind: 'password_reset', subject: email })
  await sendTokenMail(ctx, 'reset_password', email, await findMailOwner(ctx, email))
}
