import * as z from 'zod'
import { passwordCharsMax, passwordCharsMin } from './limits.ts'
import { passwordFormComplaint } from './password_rule.ts'

/** A password that is typed to prove who one is: the rule for new ones has no say. */
export const typedPasswordSchema = z
  .string()
  .min(1, 'must not be empty')
  .max(passwordCharsMax, `must have at most ${passwordCharsMax} characters`)

/** A password to be. What else it must not be, the verb knows, which has the person (`requireGoodPassword`). */
export const newPasswordSchema = z
  .string()
  .superRefine((password, ctx) => {
    const complaint = passwordFormComplaint(password)
    if (complaint !== undefined) ctx.addIssue({ code: 'custom', message: complaint })
  })
  .meta({
    description:
      `${passwordCharsMin} to ${passwordCharsMax} characters, none of the most used passwords, ` +
      'not made of the name, e-mail address or organization of its owner',
  })

/** A single-use token out of a mail. */
export const oneTimeTokenSchema = z.string().regex(/^[\w-]{43}$/, 'is no token of a mail')
