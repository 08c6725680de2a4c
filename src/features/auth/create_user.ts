import { sql } from 'drizzle-orm'
import { auditDaysDefault, retentionDaysDefault } from '../../core/limits.ts'
import type { Role } from '../../core/permissions.ts'
import { accountAuditStatement, auditStatement } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { accountMemberships, accounts, memberships, organizations, users } from '../../db/schema.ts'

export interface NewUser {
  /** As `emailSchema` gives it. */
  email: string
  name: string
  /** As `hashPassword` gives it. */
  passwordHash: string
  /** When the person proved to read mails to `email`. */
  emailVerifiedAt?: number
}

export interface CreatedUser {
  userId: string
  organizationId: string
  accountId: string
}

/** The user who has the e-mail: the new one, or who was known before. */
export interface Creation {
  created: CreatedUser | undefined
  known: { userId: string } | undefined
}

/**
 * A user with an account and a first organization that the user owns, in one D1 batch. When the e-mail is known, the same
 * statements run and make nothing. The verb for registration and for seeds.
 */
export async function createUserWithOrganization(ctx: BaseCtx, input: NewUser & { organizationName: string }): Promise<Creation> {
  const created: CreatedUser = { userId: ctx.newId(), organizationId: ctx.newId(), accountId: ctx.newId() }
  const { userId, organizationId, accountId } = created
  const now = ctx.now()
  const unknown = sql`where not exists (select 1 from ${users} where ${users.email} = ${input.email})`
  const made = sql`from ${users} where ${users.id} = ${userId}`
  const actor = { kind: 'user', id: userId } as const
  const entry = { action: 'organization.create', target: { kind: 'organization', id: organizationId } }
  // Selected values stand in the order of the table's columns, as drizzle wants it.
  const results = await ctx.db.batch([
    ctx.db.insert(accounts).select(sql`select ${accountId}, ${input.organizationName}, ${now}, ${now}, null ${unknown}`),
    ctx.db.insert(organizations).select(
      sql`select ${organizationId}, ${accountId}, ${input.organizationName}, ${now}, ${now}, null,
          ${retentionDaysDefault}, null, null, null, null, 0, false, ${auditDaysDefault} ${unknown}`,
    ),
    ctx.db.insert(users).select(
      sql`select ${userId}, ${accountId}, ${input.email}, ${input.name}, ${input.passwordHash}, 0, ${organizationId}, ${now}, ${now}, null,
          ${input.emailVerifiedAt ?? null}, ${now}, false, null, null, null, null, null, null, '{}' ${unknown}`,
    ),
    ctx.db.insert(memberships).select(sql`select ${userId}, ${organizationId}, 'owner', ${now} ${made}`),
    ctx.db.insert(accountMemberships).select(sql`select ${userId}, ${accountId}, 'owner', ${now} ${made}`),
    auditStatement(ctx, { organizationId, actor }, entry, made),
    accountAuditStatement(ctx, { accountId, actor }, { action: 'user.create', target: { kind: 'user', id: userId } }, made),
    ctx.db
      .select({ userId: users.id })
      .from(users)
      .where(sql`${users.email} = ${input.email}`),
  ])
  const holder = results[7][0]
  return holder?.userId === userId ? { created, known: undefined } : { created: undefined, known: holder }
}

/** A user who joins an existing organization with a role, in one D1 batch. Fails when the e-mail is known. */
export async function createMember(
  ctx: BaseCtx,
  { organizationId, accountId }: { organizationId: string; accountId: string },
  input: NewUser & { role: Role },
): Promise<{ userId: string }> {
  const userId = ctx.newId()
  const now = ctx.now()
  const { email, name, passwordHash, emailVerifiedAt, role } = input
  const origin = { organizationId, actor: { kind: 'system', id: null } } as const
  const entry = { action: 'membership.create', target: { kind: 'user', id: userId }, details: { role } }
  await ctx.db.batch([
    ctx.db.insert(users).values({
      id: userId,
      accountId,
      email,
      name,
      passwordHash,
      emailVerifiedAt,
      defaultOrganizationId: organizationId,
      createdAt: now,
      updatedAt: now,
    }),
    ctx.db.insert(memberships).values({ userId, organizationId, role, createdAt: now }),
    auditStatement(ctx, origin, entry, sql`where true`),
  ])
  return { userId }
}
