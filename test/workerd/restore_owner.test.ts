import { and, eq } from 'drizzle-orm'
import { beforeEach, expect, it } from 'vitest'
import { memberships, users } from '../../src/db/schema.ts'
import { auditLog } from '../../src/db/schema_audit.ts'
import { askIn, makeStaff, rolesIn } from '../support/tenancy.ts'
import type { OrganizationBody } from '../support/tenancy.ts'
import { addAccountAdmin } from '../support/users.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'

/* What comes back after its owners went has one again. */

const { db } = testCtx()
let world: World
beforeEach(async () => {
  world = await createWorld()
})

const organization = () => `/api/v1/organizations/${world.organizationId}`
const account = () => `/api/v1/accounts/${world.accountId}`

/** The organization belongs to somebody from another account, and nobody else is in it. */
async function handOver(): Promise<World> {
  const away = await createWorld()
  const { organizationId, owner } = world
  await db.insert(memberships).values({ userId: away.owner.userId, organizationId, role: 'owner', createdAt: 1 })
  await db.delete(memberships).where(and(eq(memberships.organizationId, organizationId), eq(memberships.userId, owner.userId)))
  return away
}

async function joined() {
  const where = and(eq(auditLog.organizationId, world.organizationId), eq(auditLog.action, 'membership.create'))
  const entries = await db.select().from(auditLog).where(where).orderBy(auditLog.id)
  return entries.filter(({ details }) => details['reason'] === 'no_owner_left').map(({ actorId, targetId }) => [actorId, targetId])
}

it('an organization goes to the manager of the account who restores it', async () => {
  const away = await handOver()
  const admin = await addAccountAdmin(world)
  expect((await askIn(away, 'DELETE', organization())).status).toBe(204)
  expect((await askIn(away, 'DELETE', '/api/v1/auth/me')).status).toBe(204)
  const restored = await askIn(world, 'POST', `${organization()}/restore`, { as: admin })
  expect((await restored.json<OrganizationBody>()).roles).toEqual(['owner', 'account_admin'])
  expect(await rolesIn(world.organizationId)).toEqual({ [admin.userId]: 'owner', [away.owner.userId]: 'owner' })
  expect(await joined()).toEqual([[admin.userId, admin.userId]])
})

it('an organization that has an owner is restored without another', async () => {
  const away = await handOver()
  expect((await askIn(away, 'DELETE', organization())).status).toBe(204)
  expect((await askIn(world, 'POST', `${organization()}/restore`)).status).toBe(200)
  expect(await rolesIn(world.organizationId)).toEqual({ [away.owner.userId]: 'owner' })
  expect(await joined()).toEqual([])
})

it('the organizations of a restored account go to its owner, whoever restores it', async () => {
  const staff = await createWorld()
  await makeStaff(staff.owner)
  const first = world
  for (const by of [first, staff]) {
    if (by === staff) world = await createWorld()
    const away = await handOver()
    expect((await askIn(world, 'DELETE', account())).status).toBe(204)
    expect((await askIn(away, 'DELETE', '/api/v1/auth/me')).status).toBe(204)
    expect((await askIn(by, 'POST', `${account()}/restore`)).status).toBe(200)
    expect(await rolesIn(world.organizationId)).toEqual({ [world.owner.userId]: 'owner', [away.owner.userId]: 'owner' })
    expect(await joined()).toEqual([[by.owner.userId, world.owner.userId]])
    expect((await askIn(world, 'GET', organization())).status).toBe(200)
  }
})

it('no deleted owner of the account gets an organization', async () => {
  const away = await handOver()
  const staff = await createWorld()
  await makeStaff(staff.owner)
  await askIn(away, 'DELETE', organization())
  await askIn(away, 'DELETE', '/api/v1/auth/me')
  await db.update(users).set({ deletedAt: Date.now() }).where(eq(users.id, world.owner.userId))
  expect((await askIn(staff, 'POST', `${organization()}/restore`)).status).toBe(409)
  expect(await joined()).toEqual([])
})
