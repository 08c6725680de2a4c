import { and, count, eq, isNull, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { auditDaysDefault, organizationsPerAccountMax, retentionDaysDefault } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { auditPerson, auditStatement } from '../../db/audit.ts'
import type { AccountCtx } from '../../db/context.ts'
import { memberships, organizations, users } from '../../db/schema.ts'
import { organizationJson } from './json.ts'
import type { createOrganizationSchema, OrganizationJson } from './schema.ts'

/** A further organization of the caller's account; the caller owns it. */
export async function createOrganization(ctx: AccountCtx, { name }: z.output<typeof createOrganizationSchema>): Promise<OrganizationJson> {
  const { account, user, db } = ctx
  const id = ctx.newId()
  const now = ctx.now()
  const live = db
    .select({ count: count() })
    .from(organizations)
    .where(and(eq(organizations.accountId, account.id), isNull(organizations.deletedAt)))
  const made = sql`from ${organizations} where ${organizations.id} = ${id}`
  const entry = { action: 'organization.create', target: { kind: 'organization', id }, details: { name } }
  const [rows] = await db.batch([
    // In the order of the table's columns, as drizzle wants it.
    db
      .insert(organizations)
      .select(
        sql`select ${id}, ${account.id}, ${name}, ${now}, ${now}, null, ${retentionDaysDefault}, null, null, null, null, 0, false,
          ${auditDaysDefault} where (${live}) < ${organizationsPerAccountMax}`,
      )
      .returning(),
    db.insert(memberships).select(sql`select ${user.id}, ${id}, 'owner', ${now} ${made}`),
    db
      .update(users)
      .set({ defaultOrganizationId: id })
      .where(sql`${users.id} = ${user.id} and ${users.defaultOrganizationId} is null and exists (select 1 ${made})`),
    auditStatement(ctx, { organizationId: id, actor: auditPerson(ctx) }, entry, made),
  ])
  const row = rows[0]
  if (!row) throw problem('conflict', `An account can have at most ${organizationsPerAccountMax} organizations. Delete some first.`)
  return organizationJson(row, ['owner', ...(account.roles.some((role) => role !== 'staff') ? (['account_admin'] as const) : [])])
}
