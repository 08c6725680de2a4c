import { eq } from 'drizzle-orm'
import type { Role } from '../../src/core/permissions.ts'
import { auditLog } from '../../src/db/schema_audit.ts'
import { mailsTo } from '../support/mails.ts'
import { callFrom, randomAddress, testCtx } from '../support/world.ts'
import type { Person, World } from '../support/world.ts'

/* What tests of invitations ask. */

export const password = 'correct horse battery staple'

/** How a token that is no good is refused. */
export const worthless = { status: 400, code: 'invalid_one_time_token' }

export interface Invitation {
  id: string
  email: string
  role: Role
  status: string
  invited_by: string
  expires_at: string
}

export function invitationsPath({ organizationId }: World, id?: string): string {
  return `/api/v1/organizations/${organizationId}/invitations${id === undefined ? '' : `/${id}`}`
}

export function newEmail(): string {
  return `guest-${crypto.randomUUID()}@example.com`
}

export function askToInvite(world: World, email: string, role: Role = 'member', by: Person = world.owner): Promise<Response> {
  return world.call(invitationsPath(world), { as: by.accessToken, json: { email, role } })
}

export async function invite(world: World, email: string, role: Role = 'member', by: Person = world.owner): Promise<Invitation> {
  const response = await askToInvite(world, email, role, by)
  if (response.status !== 201) throw new Error(`not invited: ${response.status} ${await response.text()}`)
  return response.json<Invitation>()
}

/** The token in the newest mail. */
export async function tokenOf(email: string): Promise<string> {
  const token = (await mailsTo(email, 'invitation')).at(-1)?.token
  if (token === undefined) throw new Error(`no invitation for ${email}`)
  return token
}

export function accept(who: Person, token: string): Promise<Response> {
  return callFrom(randomAddress(), '/api/v1/invitations/accept', { as: who.accessToken, json: { token } })
}

export function register(token: string, more: object = { password }): Promise<Response> {
  return callFrom(randomAddress(), '/api/v1/invitations/register', { json: { token, ...more } })
}

/** The actions in the audit log, but for the first one, oldest first. */
export async function actionsIn({ organizationId }: World): Promise<string[]> {
  const rows = await testCtx().db.select().from(auditLog).where(eq(auditLog.organizationId, organizationId)).orderBy(auditLog.id)
  return rows.map(({ action }) => action).filter((action) => action !== 'organization.create')
}
