import type { BaseCtx } from '../../db/context.ts'
import { sendTokenMail } from './token_mail.ts'
import type { MailOwner } from './token_mail.ts'

export interface UnverifiedUser extends MailOwner {
  email: string
  emailVerifiedAt: number | null
}

/**
 * Whether a login with the right password must go on as one with a wrong one, in work, answer and count, because the e-mail is
 * not confirmed: whoever registers an e-mail could otherwise learn by a login whether it was known. Then a fresh mail to
 * confirm goes out behind the answer, within the limits of such mails.
 */
export function isHeldBack(ctx: BaseCtx, user: UnverifiedUser): boolean {
  if (!ctx.config.verifiedEmailRequired || user.emailVerifiedAt !== null) return false
  ctx.waitUntil(sendTokenMail(ctx, 'verify_email', user.email, user))
  return true
}
