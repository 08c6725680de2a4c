import { stepUpMs } from './limits.ts'
import { problem } from './problems.ts'

/** Throws 403 unless the password was proved lately: what a stolen access token alone must not do. */
export function requireRecentPassword(nowMs: number, provedMs: number): void {
  if (nowMs - provedMs > stepUpMs)
    throw problem('reauthentication_required', 'This needs the password again: POST /api/v1/auth/confirm-password, then repeat it.')
}
