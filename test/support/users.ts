import { eq } from 'drizzle-orm'
import { accountMemberships, users } from '../../src/db/schema.ts'
import { callFrom, randomAddress, testCtx } from './world.ts'
import type { CallOptions, Person, World } from './world.ts'

export const usersPath = '/api/v1/users'

export interface UserBody {
  id: string
  email: string
  name: string
}

/** A request of the world's owner, each from another address. */
export function asOwner({ owner }: World, at: string, options: CallOptions = {}): Promise<Response> {
  return callFrom(randomAddress(), at, { as: owner.accessToken, ...options })
}

export function freshEmail(): string {
  return `new-${crypto.randomUUID()}@example.com`
}

export async function userRowOf(id: string) {
  const [row] = await testCtx().db.select().from(users).where(eq(users.id, id))
  return row
}

/** A user of the world's account, as its owner makes one. */
export async function createUser(world: World, json: Record<string, unknown> = {}): Promise<UserBody> {
  const response = await asOwner(world, usersPath, { json: { email: freshEmail(), name: 'New', ...json } })
  if (response.status !== 201) throw new Error(`no user: ${response.status} ${await response.text()}`)
  return response.json<UserBody>()
}

/** A member of the world who also manages its account. */
export async function addAccountAdmin(world: World): Promise<Person> {
  const person = await world.addMember('member')
  await testCtx().db.insert(accountMemberships).values({ userId: person.userId, accountId: world.accountId, role: 'admin', createdAt: 1 })
  return person
}
