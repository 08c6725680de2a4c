import { env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { memberships, sessions, users } from '../../src/db/schema.ts'
import { mails } from '../../src/db/schema_content.ts'
import { testCtx } from './world.ts'
import type { Person, World } from './world.ts'

/* What tests of accounts and organizations ask and arrange. */

export interface OrganizationBody {
  id: string
  name: string
  roles: string[]
  deleted_at: string | null
}

export type Ask = (method: string, to: string, options?: { as?: Person; json?: unknown }) => Promise<Response>

/** A request as a person of the world: its owner, if nobody is named. */
export function askIn(world: World, method: string, to: string, { as = world.owner, json }: { as?: Person; json?: unknown } = {}) {
  return world.call(to, { method, as: as.accessToken, json })
}

export async function rolesIn(organizationId: string): Promise<Record<string, string>> {
  const rows = await testCtx().db.select().from(memberships).where(eq(memberships.organizationId, organizationId))
  return Object.fromEntries(rows.map(({ userId, role }) => [userId, role]))
}

/** `kind to address` of every mail about an organization, account or user. */
export async function mailsAbout(ownerId: string): Promise<string[]> {
  const rows = await testCtx().db.select().from(mails).where(eq(mails.ownerId, ownerId))
  return rows.map(({ kind, recipient }) => `${kind} to ${recipient}`).toSorted()
}

export async function defaultOf({ userId }: Person): Promise<string | null | undefined> {
  const [row] = await testCtx().db.select({ id: users.defaultOrganizationId }).from(users).where(eq(users.id, userId))
  return row?.id
}

/** Staff whose sessions passed a second factor, without which staff may do nothing as such. */
export async function makeStaff(person: Person): Promise<void> {
  await testCtx().db.update(users).set({ isStaff: true }).where(eq(users.id, person.userId))
  await passSecondFactor(person)
}

/** The person's sessions have passed a second factor. */
export async function passSecondFactor({ userId }: Person): Promise<void> {
  await testCtx().db.update(sessions).set({ secondFactorAt: Date.now() }).where(eq(sessions.userId, userId))
}

/** The person's password was last proved too long ago for what wants it again. */
export async function forgetPassword({ userId }: Person): Promise<void> {
  await testCtx()
    .db.update(sessions)
    .set({ passwordProvedAt: Date.now() - 3_600_000 })
    .where(eq(sessions.userId, userId))
}

/** The changes that the audit log has of such acts, oldest first. */
export async function changesIn(organizationId: string, action: string): Promise<unknown[]> {
  const { results } = await env.DB.prepare('SELECT changes FROM audit_log WHERE organization_id = ? AND action = ? ORDER BY id')
    .bind(organizationId, action)
    .all<{ changes: string }>()
  return results.map(({ changes }) => JSON.parse(changes) as unknown)
}

/** As if the person had never shown to read mails. */
export async function unconfirm({ userId }: Person): Promise<void> {
  await testCtx().db.update(users).set({ emailVerifiedAt: null }).where(eq(users.id, userId))
}
