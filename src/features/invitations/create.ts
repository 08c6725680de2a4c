import { eq, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { invitationTtlMs, openInvitationsPerOrganizationMax } from '../../core/limits.ts'
import type { Role } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import { actorStillMay, requireStill } from '../../db/actor_may.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { invitations } from '../../db/schema_identity.ts'
import { newSecretToken } from '../../db/secret_token.ts'
import { inTenant } from '../../db/tenant.ts'
import { requireOwnershipRight } from '../members/owners.ts'
import { forgetOldInvitations } from './forget_old.ts'
import { findInviter, isMember, takeInvitation } from './inviter.ts'
import { invitationJson, openInvitations, rightToInvite } from './open.ts'
import type { InvitationJson, inviteSchema } from './schema.ts'

/**
 * Invites a mailbox, whether or not a user has it: the answer does not tell. An open invitation of the same mailbox is
 * replaced, so that there is one token at most.
 */
export async function invite(ctx: TenantCtx, { email, role }: z.output<typeof inviteSchema>): Promise<InvitationJson> {
  await requireOwnershipRight(ctx, role)
  const inviter = await findInviter(ctx, email)
  if (inviter.email === email) throw problem('unprocessable', 'Nobody can invite the own e-mail address.')
  if (inviter.invitesMember) throw memberAlready()
  await takeInvitation(ctx, inviter, email)

  const { organizationId } = ctx.tenant
  const [id, now] = [ctx.newId(), ctx.now()]
  const { token, tokenHash } = newSecretToken()
  const own = sql`from ${invitations} where ${inTenant(ctx, invitations, eq(invitations.id, id))}`
  const params = { token, organization_name: inviter.organizationName, invited_by: inviter.name, role }
  const mail = newMail(ctx, 'invitation', { to: email, ownerId: organizationId }, params, own)
  const entry = { action: 'invitation.create', target: { kind: 'invitation', id }, details: { role } }
  const newcomer = sql`not ${isMember(ctx, email)} and ${actorStillMay(ctx, rightToInvite(role))}`
  const ofOthers = openInvitations(ctx, eq(invitations.email, email), newcomer)
  const results = await ctx.db.batch([
    forgetOldInvitations(ctx),
    ctx.db.update(invitations).set({ revokedAt: now, updatedAt: now }).where(ofOthers),
    // In the order of the table's columns, as drizzle wants it.
    ctx.db
      .insert(invitations)
      .select(
        sql`select ${organizationId}, ${id}, ${email}, ${role}, ${tokenHash}, ${inviter.userId}, ${now}, ${now}, ${now + invitationTtlMs},
          null, null, null
          where ${newcomer} and (select count(*) from ${invitations} where ${openInvitations(ctx)}) < ${openInvitationsPerOrganizationMax}`,
      )
      .returning(),
    auditEntry(ctx, entry, invitations, inTenant(ctx, invitations, eq(invitations.id, id))),
    mail.statement,
  ])
  const row = results[2][0]
  if (!row) throw await refusal(ctx, email, role)
  queueMails(ctx, [mail])
  return invitationJson(row, now)
}

async function refusal(ctx: TenantCtx, email: string, role: Role) {
  await requireStill(ctx, rightToInvite(role))
  const { invitesMember } = await findInviter(ctx, email)
  return invitesMember
    ? memberAlready()
    : problem('conflict', `An organization can have at most ${openInvitationsPerOrganizationMax} open invitations. Revoke some first.`)
}

function memberAlready() {
  return problem('conflict', 'This e-mail belongs to a member already.')
}
