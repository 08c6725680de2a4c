import { and, eq, sql } from 'drizzle-orm'
import { auditStatement } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { organizations, users } from '../../db/schema.ts'
import { mailSuppressions } from '../../db/schema_jobs.ts'
import { readUnsubscribeToken } from './token.ts'
import type { Unsubscription } from './token.ts'

/**
 * Ends mails of one kind to one address: in the profile, where the address is a user's, who can turn them on again there; else in the
 * list of addresses that are not written to. Who holds the link had the mail; a second time changes nothing.
 */
export async function unsubscribe(ctx: BaseCtx, token: string): Promise<Unsubscription> {
  const asked = readUnsubscribeToken(ctx, token)
  const { email, scope, organizationId } = asked
  const [user] = await ctx.db.select({ id: users.id }).from(users).where(eq(users.email, email))
  // Of a mail about a person there is no organization, and no entry.
  const ofOrganization = eq(organizations.id, organizationId)
  const entry = { action: 'mails.unsubscribe', details: { scope } }
  if (user === undefined) {
    const row = { email, scope, reason: 'unsubscribe', createdAt: ctx.now() } as const
    const ended = sql`exists (select 1 from ${mailSuppressions} where ${and(eq(mailSuppressions.email, email), eq(mailSuppressions.scope, scope))})`
    const origin = { organizationId, actor: { kind: 'system', id: null } } as const
    await ctx.db.batch([
      auditStatement(
        ctx,
        origin,
        { ...entry, target: { kind: 'email', id: email } },
        sql`from ${organizations} where ${ofOrganization} and not ${ended}`,
      ),
      ctx.db.insert(mailSuppressions).values(row).onConflictDoNothing(),
    ])
    return asked
  }
  const path = `$.${scope}`
  const isOn = and(eq(users.id, user.id), sql`coalesce(${users.notificationPreferences} ->> ${path}, 1) <> 0`)
  const origin = { organizationId, actor: { kind: 'user', id: user.id } } as const
  await ctx.db.batch([
    auditStatement(
      ctx,
      origin,
      { ...entry, target: { kind: 'user', id: user.id } },
      sql`from ${organizations} where ${ofOrganization} and exists (select 1 from ${users} where ${isOn})`,
    ),
    ctx.db
      .update(users)
      .set({ notificationPreferences: sql`json_set(${users.notificationPreferences}, ${path}, json('false'))`, updatedAt: ctx.now() })
      .where(isOn),
  ])
  return asked
}
