import * as z from 'zod'
import { emailSchema, timestampSchema } from '../../core/primitives.ts'
import { newPasswordSchema, oneTimeTokenSchema, typedPasswordSchema } from '../../core/secret_schemas.ts'

export const emailOnlySchema = z.strictObject({ email: emailSchema })

/** The same for every e-mail, so that it does not tell which are known. */
export const askedSchema = z.object({ email: z.string(), detail: z.string() })

export const confirmResetSchema = z.strictObject({ token: oneTimeTokenSchema, password: newPasswordSchema })

export const tokenOnlySchema = z.strictObject({ token: oneTimeTokenSchema })

export const changePasswordSchema = z
  .strictObject({ current_password: typedPasswordSchema, new_password: newPasswordSchema })
  .refine(({ current_password, new_password }) => current_password !== new_password, {
    path: ['new_password'],
    error: 'must not be the present password',
  })

export const confirmPasswordSchema = z.strictObject({ password: typedPasswordSchema })

export const confirmedPasswordSchema = z.object({
  valid_until: timestampSchema.meta({ description: 'Until when this session may do what needs a fresh proof of the password' }),
})
