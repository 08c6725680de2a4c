import { totpCode } from '../../src/features/auth/totp.ts'
import { mailsTo } from './mails.ts'
import { makeStaff } from './tenancy.ts'
import type { World } from './world.ts'

/* Steps that requests of audited_writes.ts begin with. */

/** A request that succeeds; what is left out is the path's thing, the sample of a body, and the owner. */
export interface Write {
  path?: string
  json?: unknown
  /** In the place of JSON. */
  form?: string
  /** Access token; null for nobody. */
  as?: string | null
}

export interface Audited {
  /** Actions of the entries that the request leaves, in the organization's log and in the account's. */
  leaves: readonly string[]
  /** Who did it, where that is no person who is signed in. */
  by?: 'system'
  how?: (world: World) => Promise<Write> | Write
}

type TokenMail = 'reset_password' | 'verify_email' | 'change_email_old' | 'invitation' | 'confirm_recipient'

export async function tokenOf(email: string, kind: TokenMail): Promise<string> {
  const mail = (await mailsTo(email, kind)).at(-1)
  if (!mail) throw new Error(`no mail of the kind ${kind}`)
  return mail.token
}

export async function asStaff({ owner }: World): Promise<Write> {
  await makeStaff(owner)
  return {}
}

export async function done<T>(answer: Promise<Response>): Promise<T> {
  const response = await answer
  if (!response.ok) throw new Error(`not done: ${response.status} ${await response.text()}`)
  return response.status === 204 ? (undefined as T) : response.json<T>()
}

export async function beginTotp({ call, owner }: World): Promise<{ code: string }> {
  const { secret } = await done<{ secret: string }>(call('/api/v1/auth/totp', { method: 'POST', as: owner.accessToken }))
  return { code: totpCode(secret, Date.now()) }
}

/** Sets a second factor up and gives one of its recovery codes. */
export async function enableTotp(world: World): Promise<string> {
  const json = await beginTotp(world)
  const path = '/api/v1/auth/totp/confirm'
  const { recovery_codes: codes } = await done<{ recovery_codes: string[] }>(world.call(path, { as: world.owner.accessToken, json }))
  return codes[0] ?? ''
}

/** A thing that was deleted, to be restored. */
export async function removed({ call, owner }: World, collection: string, make: () => Promise<string>): Promise<Write> {
  const path = `${collection}/${await make()}`
  await done(call(path, { method: 'DELETE', as: owner.accessToken }))
  return { path: `${path}/restore` }
}

export async function makeOrganization({ call, owner }: World): Promise<string> {
  return (await done<{ id: string }>(call('/api/v1/organizations', { as: owner.accessToken, json: { name: 'Second' } }))).id
}

export async function makeTeam({ call, owner }: World): Promise<string> {
  return (await done<{ id: string }>(call('/api/v1/teams', { as: owner.accessToken, json: { name: crypto.randomUUID() } }))).id
}

export async function accountMember(world: World): Promise<Required<Pick<Write, 'path' | 'json'>>> {
  const { userId } = await world.addMember('member')
  return { path: `/api/v1/accounts/${world.accountId}/members/${userId}`, json: { role: 'admin' } }
}

export async function madeAccountMember(world: World): Promise<Write> {
  const { path, json } = await accountMember(world)
  await done(world.call(path, { method: 'PUT', as: world.owner.accessToken, json }))
  return { path, json: { role: 'owner' } }
}

/** Somebody of the same account who is in no organization. */
export async function guestOf(world: World): Promise<{ email: string; accessToken: string }> {
  const guest = await world.addMember('viewer')
  await done(
    world.call(`/api/v1/organizations/${world.organizationId}/members/${guest.userId}`, { method: 'DELETE', as: world.owner.accessToken }),
  )
  return guest
}

export async function invited({ call, owner, organizationId }: World, email: string): Promise<string> {
  await done(call(`/api/v1/organizations/${organizationId}/invitations`, { as: owner.accessToken, json: { email, role: 'member' } }))
  return tokenOf(email, 'invitation')
}
