import { env } from 'cloudflare:test'
import { and, eq, isNull } from 'drizzle-orm'
import { expect } from 'vitest'
import type { Role, TeamRole } from '../../src/core/permissions.ts'
import { memberships } from '../../src/db/schema.ts'
import { invitations, teamMemberships } from '../../src/db/schema_identity.ts'
import { deleteUser } from '../../src/features/users/delete_user.ts'
import { nothingAlong } from '../../src/features/users/ownership.ts'
import { mailsTo } from '../support/mails.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { Person, World } from '../support/world.ts'
import type { Model } from './members_model.ts'

/** Two organizations, each with a team, and four people: the two founders, an admin and a member of the first. */
export interface Real {
  worlds: readonly World[]
  people: readonly Person[]
  teams: readonly string[]
  /** The newest token of an invitation, by `organization/person`. */
  tokens: Map<string, string>
}

export async function setUp(): Promise<{ model: Model; real: Real }> {
  const worlds = [await createWorld(), await createWorld()] as const
  const people = [worlds[0].owner, worlds[1].owner, await worlds[0].addMember('admin'), await worlds[0].addMember('member')]
  const teams: string[] = []
  for (const { call, owner } of worlds) {
    const response = await call('/api/v1/teams', { as: owner.accessToken, json: { name: 'Team' } })
    teams.push((await response.json<{ id: string }>()).id)
  }
  const members = [
    new Map<number, Role>([
      [0, 'owner'],
      [2, 'admin'],
      [3, 'member'],
    ]),
    new Map<number, Role>([[1, 'owner']]),
  ]
  const [team, invited]: [Model['team'], Model['invited']] = [[], []]
  for (const at of worlds.keys()) {
    team[at] = new Map()
    invited[at] = new Map()
  }
  const model: Model = { members, team, invited, mails: [0, 0, 0, 0], deleted: new Set() }
  return { model, real: { worlds, people, teams, tokens: new Map() } }
}

export function everybody({ people }: Real): number[] {
  return people.map((_, who) => who)
}

/** A request as that person; a path without a slash in front is one of the organization. */
export function ask(real: Real, by: number, at: number | undefined, method: string, path: string, json?: unknown): Promise<Response> {
  const world = real.worlds[at ?? 0]
  const person = real.people[by]
  if (!world || !person) throw new Error('nobody, or nowhere')
  const to = path.startsWith('/') ? path : `/api/v1/organizations/${world.organizationId}/${path}`
  const headers: Record<string, string> = at === undefined ? {} : { 'X-Organization-Id': world.organizationId }
  return world.call(to, { method, as: person.accessToken, json, headers })
}

export async function newestToken({ people }: Real, who: number): Promise<string> {
  return (await mailsTo(people[who]?.email ?? '', 'invitation')).at(-1)?.token ?? ''
}

/** Deletes a user who takes nothing along; false when the user has to stay, or is gone already. */
export function deleteForGood({ worlds, people }: Real, who: number): Promise<boolean> {
  const [world, person] = [worlds[who === 1 ? 1 : 0], people[who]]
  if (!world || !person) throw new Error('nobody')
  const user = { id: person.userId, email: person.email, accountId: world.accountId, isStaff: false }
  return deleteUser(testCtx(), { user, along: nothingAlong, actor: { kind: 'user', id: user.id } })
}

/** What the database has of an organization. */
interface Read {
  members: Map<number, Role>
  team: Map<number, TeamRole>
  /** By e-mail: the role that an open invitation is for. */
  invited: Map<string, Role>
}

export async function readBack(real: Real, at: number): Promise<Read> {
  const id = real.worlds[at]?.organizationId ?? ''
  const numberOf = (userId: string) => real.people.findIndex((person) => person.userId === userId)
  const { db } = testCtx()
  const open = and(eq(invitations.organizationId, id), isNull(invitations.acceptedAt), isNull(invitations.revokedAt))
  const [members, team, invited] = await db.batch([
    db.select().from(memberships).where(eq(memberships.organizationId, id)),
    db.select().from(teamMemberships).where(eq(teamMemberships.organizationId, id)),
    db.select().from(invitations).where(open),
  ])
  return {
    members: new Map(members.map(({ userId, role }) => [numberOf(userId), role])),
    team: new Map(team.map(({ userId, role }) => [numberOf(userId), role])),
    invited: new Map(invited.map(({ email, role }) => [email, role])),
  }
}

/** Each finds the ids of what must not be, among these organizations and people. */
const violations = {
  'organizations without an owner': `select o.id from organizations o where o.id in (?1, ?2) and not exists (
    select 1 from memberships m join users u on u.id = m.user_id and u.deleted_at is null
    where m.organization_id = o.id and m.role = 'owner')`,
  'team members who are no members': `select t.user_id as id from team_memberships t where t.organization_id in (?1, ?2) and not exists (
    select 1 from memberships m where m.organization_id = t.organization_id and m.user_id = t.user_id)`,
  'default organizations without a membership': `select u.id from users u where u.id in (?3, ?4, ?5, ?6)
    and u.default_organization_id is not null and not exists (
    select 1 from memberships m where m.organization_id = u.default_organization_id and m.user_id = u.id)`,
  'members without a default organization': `select u.id from users u where u.id in (?3, ?4, ?5, ?6)
    and u.default_organization_id is null and exists (select 1 from memberships m where m.user_id = u.id)`,
}

/** The invariants of memberships, in the database itself; and it has what the model says. */
export async function checkInvariants(real: Real, model: Model): Promise<void> {
  const ids = [...real.worlds.map(({ organizationId }) => organizationId), ...real.people.map(({ userId }) => userId)]
  const found = await env.DB.batch<{ id: string }>(
    // The bounds make every statement take all six parameters.
    Object.values(violations).map((text) => env.DB.prepare(`${text} and coalesce(?1, ?2, ?3, ?4, ?5, ?6) is not null`).bind(...ids)),
  )
  const wrong = Object.keys(violations).map((name, i) => [name, found[i]?.results.map(({ id }) => id)])
  expect(wrong).toEqual(Object.keys(violations).map((name) => [name, []]))
  for (const at of real.worlds.keys()) {
    const { members, team, invited } = await readBack(real, at)
    expect(sorted(members)).toEqual(sorted(model.members[at]))
    expect(sorted(team)).toEqual(sorted(model.team[at]))
    const expected = [...(model.invited[at] ?? [])].map(([who, { role }]): [string, string] => [real.people[who]?.email ?? '', role])
    expect(sorted(invited)).toEqual(sorted(new Map(expected)))
  }
}

function sorted<K extends string | number, V>(map: ReadonlyMap<K, V> | undefined): [K, V][] {
  return [...(map ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1))
}
