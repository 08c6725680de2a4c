import { and, eq, sql } from 'drizzle-orm'
import type { NotificationKey } from '../../core/profile.ts'
import { auditStatement } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { organizations, users } from '../../db/schema.ts'
import { mailSuppressions } from '../../db/schema_jobs.ts'
import { readUnsubscribeToken } from './token.ts'
import type { Unsubscription } from './token.ts'

/** Whoever has the link did it: it tells of an address, not of a person. */
const system = { kind: 'system', id: null } as const
const via = 'unsubscribe link'

/**
 * Ends mails to one address: those of one kind in the profile, where the address is a user's, who is told and can turn them on again
 * there; else, and all of them, in the list of addresses that are not written to. A second time changes nothing.
 */
export async function unsubscribe(ctx: BaseCtx, token: string): Promise<Unsubscription> {
  const asked = readUnsubscribeToken(ctx, token)
  const { email, scope } = asked
  const [user] = scope === 'all' ? [] : await ctx.db.select({ id: users.id }).from(users).where(eq(users.email, email))
  if (user === undefined || scope === 'all') await suppress(ctx, asked)
  else await turnOff(ctx, asked, scope, user.id)
  return asked
}

async function suppress(ctx: BaseCtx, { email, scope, organizationId }: Unsubscription): Promise<void> {
  const row = { email, scope, reason: 'unsubscribe', createdAt: ctx.now() } as const
  const ended = sql`exists (select 1 from ${mailSuppressions} where ${and(eq(mailSuppressions.email, email), eq(mailSuppressions.scope, scope))})`
  await ctx.db.batch([
    auditStatement(
      ctx,
      { organizationId, actor: system },
      { action: 'mails.unsubscribe', target: { kind: 'email', id: email }, details: { scope, via } },
      // Of a mail about a person there is no organization, and no entry.
      sql`from ${organizations} where ${eq(organizations.id, organizationId)} and not ${ended}`,
    ),
    ctx.db.insert(mailSuppressions).values(row).onConflictDoNothing(),
  ])
}

async function turnOff(ctx: BaseCtx, { email, organizationId }: Unsubscription, scope: NotificationKey, userId: string): Promise<void> {
  const path = `$.${scope}`
  const isOn = and(eq(users.id, userId), sql`coalesce(${users.notificationPreferences} ->> ${path}, 1) <> 0`)
  const told = newMail(ctx, 'mails_turned_off', { to: email, ownerId: userId }, { mails: scope }, sql`from ${users} where ${isOn}`)
  await ctx.db.batch([
    auditStatement(
      ctx,
      { organizationId, actor: system },
      { action: 'mails.unsubscribe', target: { kind: 'user', id: userId }, details: { scope, via } },
      sql`from ${organizations} where ${eq(organizations.id, organizationId)} and exists (select 1 from ${users} where ${isOn})`,
    ),
    told.statement,
    ctx.db
      .update(users)
      .set({ notificationPreferences: sql`json_set(${users.notificationPreferences}, ${path}, json('false'))`, updatedAt: ctx.now() })
      .where(isOn),
  ])
  queueMails(ctx, [told])
}
