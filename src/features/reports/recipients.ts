import { problem } from '../../core/problems.ts'
import { actorMay } from '../../db/actor_may.ts'
import type { TenantCtx } from '../../db/context.ts'
import { memberEmails } from '../notification-channels/recipients.ts'

/**
 * Throws 403 unless the caller may have logs sent to these addresses. Who may send them out of the organization by a channel may name
 * anybody; all others only people who are in it: what they name would go on when they are gone.
 */
export async function requireRecipients(ctx: TenantCtx, emails: readonly string[]): Promise<void> {
  if (emails.length === 0 || actorMay(ctx, 'channels:write')) return
  const members = new Set((await memberEmails(ctx, ctx.tenant.organizationId, emails)).map(({ email }) => email))
  const others = emails.filter((email) => !members.has(email))
  if (others.length === 0) return
  throw problem(
    'forbidden',
    `Only admins (channels:write) have reports sent to others than members with a confirmed e-mail: ${others.join(', ')}.`,
  )
}
