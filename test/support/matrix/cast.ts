import { eq } from 'drizzle-orm'
import { keyKinds, kindScopes, roles } from '../../../src/core/permissions.ts'
import type { Role } from '../../../src/core/permissions.ts'
import { accountMemberships, apiKeys, memberships, organizations, sessions, users } from '../../../src/db/schema.ts'
import { createWorld, testCtx } from '../world.ts'
import type { Person, World } from '../world.ts'
import type { AccountPlace, Facts, PersonFacts, Place } from './expected.ts'

export interface CastMember {
  name: string
  facts: Facts
  /** Access token or API key. */
  credential: string | undefined
  person?: Person
}

export interface Cast {
  members: CastMember[]
  /** Ids of the organizations and accounts. */
  placeIds: Record<Place, string>
  accountIds: Record<AccountPlace, string>
}

type Described = [name: string, facts: Omit<PersonFacts, 'kind' | 'account'> & { account?: AccountPlace }]

const inMain = (role: Role) => ({ roles: { main: role }, defaultPlace: 'main' }) as const

/** Everybody who may come along: each with one thing that decides. */
const people: Described[] = [
  ['a person without organization', {}],
  ...roles.map((role): Described => [role, inMain(role)]),
  ['an account admin', { accountRole: 'admin', secondFactor: true }],
  ['an account owner', { accountRole: 'owner', secondFactor: true }],
  ['an account owner without a second factor', { accountRole: 'owner' }],
  ['an account owner whose default organization is another', { accountRole: 'owner', secondFactor: true, defaultPlace: 'sibling' }],
  ['staff', { staff: true, secondFactor: true }],
  ['staff without a second factor', { staff: true }],
  ['a viewer who is staff', { ...inMain('viewer'), staff: true, secondFactor: true }],
  ['an admin who is staff without a second factor', { ...inMain('admin'), staff: true }],
  ['a team manager', inMain('viewer')],
  ['an owner where a second factor is wanted, without one', { roles: { strict: 'owner' }, defaultPlace: 'strict' }],
  ['an owner where a second factor is wanted, with one', { roles: { strict: 'owner' }, defaultPlace: 'strict', secondFactor: true }],
  ['an owner whose password proof is too old', { ...inMain('owner'), stalePassword: true }],
  ['an account owner whose password proof is too old', { accountRole: 'owner', secondFactor: true, stalePassword: true }],
  ['an owner of another organization of the account', { roles: { sibling: 'owner' }, defaultPlace: 'sibling' }],
  ['an admin here and viewer there', { roles: { main: 'admin', sibling: 'viewer' }, defaultPlace: 'sibling' }],
  ['an owner of a deleted organization', { roles: { deleted: 'owner' }, defaultPlace: 'deleted' }],
  ['an admin of a deleted organization', { roles: { deleted: 'admin' }, defaultPlace: 'deleted' }],
  ['an owner of another tenant', { account: 'foreign', roles: { foreign: 'owner' }, accountRole: 'owner', defaultPlace: 'foreign' }],
  ['a revoked session of an owner', { ...inMain('owner'), over: true }],
  ['an expired session of an owner', { ...inMain('owner'), over: true }],
  ['an owner whose token version rose', { ...inMain('owner'), over: true }],
  ['a deleted owner', { ...inMain('owner'), over: true }],
  ['deleted staff', { staff: true, over: true }],
]

/** Two tenants with everybody in them. */
export async function makeCast(): Promise<Cast> {
  const [own, foreign] = [await createWorld(), await createWorld()]
  const ctx = testCtx()
  const placeIds: Cast['placeIds'] = {
    main: own.organizationId,
    sibling: ctx.newId(),
    deleted: ctx.newId(),
    strict: ctx.newId(),
    foreign: foreign.organizationId,
  }
  const accountIds = { own: own.accountId, foreign: foreign.accountId }
  const now = ctx.now()
  const common = { accountId: own.accountId, name: 'Another', createdAt: now, updatedAt: now }
  await ctx.db.insert(organizations).values([
    { ...common, id: placeIds.sibling },
    { ...common, id: placeIds.deleted },
    { ...common, id: placeIds.strict, requireSecondFactor: true },
  ])
  const members: CastMember[] = [{ name: 'nobody', facts: { kind: 'nobody' }, credential: undefined }]
  for (const [name, described] of people) {
    const facts: PersonFacts = { kind: 'person', account: 'own', ...described }
    const world = facts.account === 'own' ? own : foreign
    const person = await playedBy(world, name, facts, { placeIds, accountIds })
    members.push({ name, facts, credential: person.accessToken, person })
  }
  members.push(...(await keysOf(own, 'main')), { ...(await fullKey(foreign, 'foreign')), name: 'an admin key of another tenant' })
  await ctx.db.update(organizations).set({ deletedAt: now }).where(eq(organizations.id, placeIds.deleted))
  return { members, placeIds, accountIds }
}

/** A signed-in person, made what the facts say. */
async function playedBy(world: World, name: string, facts: PersonFacts, { placeIds, accountIds }: Omit<Cast, 'members'>): Promise<Person> {
  const person = await world.addMember('viewer')
  const { db, now } = testCtx()
  const { userId } = person
  const isOver = (what: string) => facts.over === true && name.includes(what)
  await db.delete(memberships).where(eq(memberships.userId, userId))
  for (const [place, role] of Object.entries(facts.roles ?? {}) as [Place, Role][])
    await db.insert(memberships).values({ userId, organizationId: placeIds[place], role, createdAt: now() })
  if (facts.accountRole)
    await db.insert(accountMemberships).values({ userId, accountId: accountIds[facts.account], role: facts.accountRole, createdAt: now() })
  await db
    .update(users)
    .set({
      defaultOrganizationId: facts.defaultPlace ? placeIds[facts.defaultPlace] : null,
      isStaff: facts.staff === true,
      ...(isOver('deleted') && { deletedAt: now() }),
      ...(isOver('version') && { tokenVersion: 7 }),
    })
    .where(eq(users.id, userId))
  const session = {
    ...(facts.secondFactor && { secondFactorAt: now() }),
    ...(facts.stalePassword && { passwordProvedAt: now() - 3_600_000 }),
    ...(isOver('revoked') && { revokedAt: now() }),
    ...(isOver('expired') && { expiresAt: now() - 1 }),
  }
  if (Object.keys(session).length > 0) await db.update(sessions).set(session).where(eq(sessions.userId, userId))
  return person
}

async function keysOf(world: World, place: Place): Promise<CastMember[]> {
  const members: CastMember[] = []
  for (const kind of keyKinds) {
    const { key } = await world.createKey(kind)
    members.push({ name: `a key of kind ${kind}`, facts: { kind: 'key', place, scopes: kindScopes[kind] }, credential: key })
  }
  const one = await world.createKey('admin', ['logs:read'])
  members.push({ name: 'an admin key with one scope', facts: { kind: 'key', place, scopes: ['logs:read'] }, credential: one.key })
  const boards = await world.createKey('admin', ['dashboards:read', 'alerts:read', 'alerts:write'])
  members.push({
    name: 'a key for dashboards and alerts without logs',
    facts: { kind: 'key', place, scopes: ['dashboards:read', 'alerts:read', 'alerts:write'] },
    credential: boards.key,
  })
  const none = await world.createKey('admin')
  await testCtx().db.update(apiKeys).set({ scopes: [] }).where(eq(apiKeys.id, none.id))
  members.push({ name: 'an admin key without scopes', facts: { kind: 'key', place, scopes: [] }, credential: none.key })
  for (const [name, end] of [
    ['a revoked key', { revokedAt: Date.now() }],
    ['an expired key', { expiresAt: Date.now() - 1 }],
  ] as const) {
    const { id, key } = await world.createKey('admin')
    await testCtx().db.update(apiKeys).set(end).where(eq(apiKeys.id, id))
    members.push({ name, facts: { kind: 'nobody' }, credential: key })
  }
  return members
}

async function fullKey(world: World, place: Place): Promise<Omit<CastMember, 'name'>> {
  const { key } = await world.createKey('admin')
  return { facts: { kind: 'key', place, scopes: kindScopes.admin }, credential: key }
}
