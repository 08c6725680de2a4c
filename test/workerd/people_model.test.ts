import { env } from 'cloudflare:test'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accountRoles, roles } from '../../src/core/permissions.ts'
import type { AccountRole, Role } from '../../src/core/permissions.ts'
import { ProblemError } from '../../src/core/problems.ts'
import type { AccountCtx, TenantCtx, UserCtx } from '../../src/db/context.ts'
import { accountMemberships, accounts, memberships, organizations, users } from '../../src/db/schema.ts'
import { deleteMe } from '../../src/features/auth/delete_me.ts'
import { changeMemberRole } from '../../src/features/members/change_role.ts'
import { leaveOrganization } from '../../src/features/members/remove.ts'
import { removeUser } from '../../src/features/users/remove.ts'
import { restoreUser } from '../../src/features/users/restore.ts'
import { runs } from '../support/effort.ts'
import { plainLogSettings } from '../support/usage.ts'
import { testCtx } from '../support/world.ts'

/*
 * People leave, are deleted, restored, demoted and leave organizations, several at the same time: whatever comes of it, every
 * live organization and every live account has a living owner.
 */

const people = 5
const tenants = 2
const places = 3

interface Setting {
  /** Account of each person, and role there. */
  homes: { account: number; role: AccountRole | undefined }[]
  /** Account of each organization, and who is in it as what. */
  organizations: { account: number; roles: (Role | undefined)[] }[]
}

type Act =
  | { kind: 'delete_me' | 'expel' | 'remove' | 'restore'; person: number }
  | { kind: 'leave'; person: number; place: number }
  | { kind: 'change_role'; person: number; place: number; role: Role }

const person = fc.nat({ max: people - 1 })
const place = fc.nat({ max: places - 1 })
const account = fc.nat({ max: tenants - 1 })

const setting: fc.Arbitrary<Setting> = fc.record({
  homes: fc.array(fc.record({ account, role: fc.option(fc.constantFrom(...accountRoles), { nil: undefined }) }), {
    minLength: people,
    maxLength: people,
  }),
  organizations: fc.array(
    fc.record({
      account,
      roles: fc.array(fc.option(fc.constantFrom(...roles), { nil: undefined }), { minLength: people, maxLength: people }),
    }),
    { minLength: places, maxLength: places },
  ),
})

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constantFrom('delete_me', 'delete_me', 'expel', 'remove', 'restore'), person }),
  fc.record({ kind: fc.constant('leave'), person, place }),
  fc.record({ kind: fc.constant('change_role'), person, place, role: fc.constantFrom(...roles) }),
)

const rounds = fc.array(fc.array(act, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 })

interface Stage {
  accountIds: string[]
  userIds: string[]
  homeOf: number[]
  organizationIds: string[]
  staff: AccountCtx
}

/** The setting in D1, with an owner for everything that lacks one. */
async function setStage({ homes, organizations: wanted }: Setting): Promise<Stage> {
  const ctx = testCtx()
  const ids = (count: number) => Array.from({ length: count }, () => ctx.newId())
  const [accountIds, userIds, organizationIds] = [ids(tenants), ids(people), ids(places)]
  const times = { createdAt: 1, updatedAt: 1 }
  const at = <T>(list: readonly T[], i: number): T => {
    const one = list[i]
    if (one === undefined) throw new Error(`no ${i}`)
    return one
  }
  const managers = homes.map((home, i) => {
    const first = homes.findIndex((other) => other.account === home.account)
    const owned = homes.some((other) => other.account === home.account && other.role === 'owner')
    return { ...home, role: !owned && first === i ? ('owner' as const) : home.role }
  })
  await ctx.db.batch([
    ctx.db.insert(accounts).values(accountIds.map((id) => ({ id, name: 'Inc', ...times }))),
    ctx.db.insert(users).values(
      userIds.map((id, i) => ({
        id,
        accountId: at(accountIds, at(homes, i).account),
        email: `${id}@example.com`,
        name: 'P',
        passwordHash: 'chosen',
        ...times,
      })),
    ),
    ctx.db
      .insert(organizations)
      .values(organizationIds.map((id, i) => ({ id, accountId: at(accountIds, at(wanted, i).account), name: 'Org', ...times }))),
    ...managers.flatMap(({ account: home, role }, i) =>
      role === undefined
        ? []
        : [ctx.db.insert(accountMemberships).values({ userId: at(userIds, i), accountId: at(accountIds, home), role, createdAt: 1 })],
    ),
    ...wanted.flatMap(({ roles: held }, i) =>
      (held.includes('owner') ? held : ['owner' as const, ...held.slice(1)]).flatMap((role, j) =>
        role === undefined
          ? []
          : [ctx.db.insert(memberships).values({ userId: at(userIds, j), organizationId: at(organizationIds, i), role, createdAt: 1 })],
      ),
    ),
  ])
  const staff = { ...personCtx('staff', ctx.newId()), account: { id: 'staff', roles: ['staff'] as const } }
  return {
    accountIds,
    userIds,
    organizationIds,
    homeOf: homes.map((home) => home.account),
    staff: { ...staff, user: { ...staff.user, isStaff: true }, session: { ...staff.session, secondFactor: true } },
  }
}

function personCtx(accountId: string, id: string): UserCtx {
  const session = { id: 's', passwordProvedMs: Date.now(), secondFactor: false }
  return { ...testCtx(), user: { id, email: `${id}@example.com`, accountId, isStaff: false }, sessionId: 's', session }
}

async function perform({ accountIds, userIds, homeOf, organizationIds, staff }: Stage, one: Act): Promise<unknown> {
  const userId = userIds[one.person] ?? ''
  const accountId = accountIds[homeOf[one.person] ?? 0] ?? ''
  switch (one.kind) {
    case 'delete_me':
      return deleteMe(personCtx(accountId, userId))
    case 'expel': {
      // Of the account only, which who is a member elsewhere leaves alive.
      const manager = { ...personCtx(accountId, staff.user.id), account: { id: accountId, roles: ['owner'] as const } }
      return removeUser(manager, userId)
    }
    case 'remove':
      return removeUser(staff, userId)
    case 'restore':
      return restoreUser(staff, userId)
    case 'leave':
      return leaveOrganization(tenantCtx(organizationIds[one.place] ?? '', userId, ['owner']))
    case 'change_role':
      return changeMemberRole(tenantCtx(organizationIds[one.place] ?? '', staff.user.id, ['staff']), { userId, role: one.role })
  }
}

function tenantCtx(organizationId: string, userId: string, held: readonly ('owner' | 'staff')[]): TenantCtx {
  const actor = { kind: 'user', userId, sessionId: 's', roles: held } as const
  return { ...testCtx(), actor, tenant: { organizationId, accountId: '', logSettings: plainLogSettings } }
}

/** Live organizations and accounts of the stage that nobody alive owns. */
async function ownerless({ accountIds, organizationIds }: Stage): Promise<string[]> {
  const listed = (ids: string[]) => JSON.stringify(ids)
  const [lostOrganizations, lostAccounts] = await env.DB.batch<{ id: string }>([
    env.DB.prepare(
      `select o.id from organizations o join accounts a on a.id = o.account_id where o.id in (select value from json_each(?))
       and o.deleted_at is null and a.deleted_at is null and not exists (select 1 from memberships m join users u on u.id = m.user_id
       where m.organization_id = o.id and m.role = 'owner' and u.deleted_at is null)`,
    ).bind(listed(organizationIds)),
    env.DB.prepare(
      `select a.id from accounts a where a.id in (select value from json_each(?)) and a.deleted_at is null
       and exists (select 1 from users u where u.account_id = a.id)
       and not exists (select 1 from account_memberships m join users u on u.id = m.user_id
       where m.account_id = a.id and m.role = 'owner' and u.deleted_at is null)`,
    ).bind(listed(accountIds)),
  ])
  return [
    ...(lostOrganizations?.results ?? []).map(({ id }) => `organization ${id}`),
    ...(lostAccounts?.results ?? []).map(({ id }) => `account ${id}`),
  ]
}

describe('people who come and go at the same time', () => {
  it('leave no live organization and no live account without a living owner', async () => {
    const seed = Date.now() % 0x7fffffff
    console.log(`seed of the model of people: ${seed}`)
    const outcomes: Record<string, number> = {}
    const property = fc.asyncProperty(setting, rounds, async (wanted, acts) => {
      const stage = await setStage(wanted)
      expect(await ownerless(stage)).toEqual([])
      for (const round of acts) {
        const settled = await Promise.allSettled(round.map((one) => perform(stage, one)))
        settled.forEach((outcome, i) => {
          if (outcome.status === 'rejected' && !(outcome.reason instanceof ProblemError)) throw outcome.reason
          const code = outcome.status === 'rejected' ? (outcome.reason as ProblemError).code : 'done'
          const name = `${round[i]?.kind}: ${code}`
          outcomes[name] = (outcomes[name] ?? 0) + 1
        })
        expect(await ownerless(stage)).toEqual([])
      }
    })
    await fc.assert(property, { seed, numRuns: Math.max(20, runs(40)) })
    // A model whose acts never come about shows nothing.
    for (const name of [
      'delete_me: done',
      'delete_me: last_owner',
      'expel: done',
      'expel: last_owner',
      'remove: done',
      'remove: last_owner',
    ])
      expect(Object.keys(outcomes)).toContain(name)
  })
})
