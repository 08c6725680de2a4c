import { passwordComplaint } from '../../core/password_rule.ts'
import type { PasswordOwner } from '../../core/password_rule.ts'
import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'
import { isBreached } from './breached.ts'

/**
 * Throws a validation problem at `field` unless the owner may have this password. Every verb that stores a new password asks
 * here first; the schema of its request has looked only at the form (`newPasswordSchema`).
 */
export async function requireGoodPassword(
  ctx: Pick<BaseCtx, 'config' | 'log'>,
  password: string,
  owner: PasswordOwner,
  field = 'password',
): Promise<void> {
  const complaint = passwordComplaint(password, owner) ?? ((await isBreached(ctx, password)) ? 'is known from a data leak' : undefined)
  if (complaint !== undefined)
    throw problem('validation_failed', `The request is not valid. ${field}: ${complaint}`, { details: { [field]: [complaint] } })
}
