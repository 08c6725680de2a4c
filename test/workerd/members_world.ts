import { and, eq } from 'drizzle-orm'
import type { ActingRole, Role } from '../../src/core/permissions.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import { accountMemberships, memberships, sessions } from '../../src/db/schema.ts'
import { auditLog } from '../../src/db/schema_audit.ts'
import { makeStaff } from '../support/tenancy.ts'
import { plainLogSettings } from '../support/usage.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { Person, World } from '../support/world.ts'

/* What tests of members ask and arrange. */

export interface MemberReply {
  user_id: string
  email: string
  name: string
  role: Role
  joined_at: string
}

export function membersPath({ organizationId }: World, userId?: string): string {
  return `/api/v1/organizations/${organizationId}/members${userId === undefined ? '' : `/${userId}`}`
}

export function change(world: World, by: Person, userId: string, role: Role): Promise<Response> {
  return world.call(membersPath(world, userId), { method: 'PATCH', as: by.accessToken, json: { role } })
}

export function remove(world: World, by: Person, userId: string): Promise<Response> {
  return world.call(membersPath(world, userId), { method: 'DELETE', as: by.accessToken })
}

export function leave(world: World, who: Person): Promise<Response> {
  return world.call(`/api/v1/organizations/${world.organizationId}/leave`, { method: 'POST', as: who.accessToken })
}

/** Somebody who runs the account of the world, and is no member. */
export async function accountAdmin(world: World): Promise<Person> {
  const person = await world.addMember('viewer')
  const { db } = testCtx()
  await db.delete(memberships).where(eq(memberships.userId, person.userId))
  await db.insert(accountMemberships).values({ userId: person.userId, accountId: world.accountId, role: 'admin', createdAt: 0 })
  return person
}

export async function staff(): Promise<Person> {
  const { owner } = await createWorld()
  await makeStaff(owner)
  return owner
}

/** What a request of the person was let in with, whatever became of the rights since. */
export async function letIn({ organizationId, accountId }: World, { userId }: Person, ...roles: ActingRole[]): Promise<TenantCtx> {
  const ctx = testCtx()
  const [session] = await ctx.db.select({ id: sessions.id }).from(sessions).where(eq(sessions.userId, userId))
  if (!session) throw new Error('nobody is signed in')
  const actor = { kind: 'user', userId, sessionId: session.id, roles } as const
  return { ...ctx, actor, tenant: { organizationId, accountId, logSettings: plainLogSettings } }
}

/** Entries of one action in the audit log, oldest first. */
export async function entriesOf({ organizationId }: World, action: string) {
  const rows = await testCtx()
    .db.select()
    .from(auditLog)
    .where(and(eq(auditLog.organizationId, organizationId), eq(auditLog.action, action)))
    .orderBy(auditLog.id)
  return rows.map(({ actorId, targetId, changes }) => ({ actorId, targetId, changes }))
}

/** What the audit log has about one thing or person, oldest first. */
export async function entriesAbout({ organizationId }: World, targetId: string) {
  const rows = await testCtx()
    .db.select()
    .from(auditLog)
    .where(and(eq(auditLog.organizationId, organizationId), eq(auditLog.targetId, targetId)))
    .orderBy(auditLog.id)
  return rows.map(({ action, details, changes }) => ({ action, details, changes }))
}
