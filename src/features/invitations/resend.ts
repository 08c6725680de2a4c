import { eq, sql } from 'drizzle-orm'
import { invitationTtlMs } from '../../core/limits.ts'
import { actorStillMay, requireStill } from '../../db/actor_may.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { isWritten, newMail, queueMails } from '../../db/mails.ts'
import { invitations } from '../../db/schema_identity.ts'
import { newSecretToken } from '../../db/secret_token.ts'
import { requireOwnershipRight } from '../members/owners.ts'
import { findInviter, takeInvitation } from './inviter.ts'
import { findInvitation, invitationJson, noSuchInvitation, openInvitations, rightToInvite } from './open.ts'
import type { InvitationJson } from './schema.ts'

/** Sends the invitation once more, with a new token and a new term; the token sent before is worthless then. */
export async function resendInvitation(ctx: TenantCtx, id: string): Promise<InvitationJson> {
  const { email, role } = await findInvitation(ctx, id)
  await requireOwnershipRight(ctx, role)
  const inviter = await findInviter(ctx, email)
  await takeInvitation(ctx, inviter, email)

  const now = ctx.now()
  const { token, tokenHash } = newSecretToken()
  const where = openInvitations(ctx, eq(invitations.id, id), actorStillMay(ctx, rightToInvite(role)))
  const params = { token, organization_name: inviter.organizationName, invited_by: inviter.name, role }
  const to = { to: email, ownerId: ctx.tenant.organizationId }
  const mail = newMail(ctx, 'invitation', to, params, sql`from ${invitations} where ${where}`)
  const entry = { action: 'invitation.resend', target: { kind: 'invitation', id }, details: { role } }
  const [, , rows] = await ctx.db.batch([
    auditEntry(ctx, entry, invitations, where),
    mail.statement,
    // Without a new mail the token of the one before stays good. Whoever sends it answers for it: it ends when that person is removed.
    ctx.db
      .update(invitations)
      .set({
        tokenHash: sql`case when ${isWritten(mail)} then ${tokenHash} else ${invitations.tokenHash} end`,
        invitedBy: inviter.userId,
        updatedAt: now,
        expiresAt: now + invitationTtlMs,
      })
      .where(where)
      .returning(),
  ])
  const row = rows[0]
  if (!row) {
    await requireStill(ctx, rightToInvite(role))
    throw noSuchInvitation()
  }
  queueMails(ctx, [mail])
  return invitationJson(row, now)
}
