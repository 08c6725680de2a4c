import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { accounts, users } from '../../src/db/schema.ts'
import { problemOf } from '../support/app.ts'
import { askIn, forgetPassword, mailsAbout, makeStaff, rolesIn } from '../support/tenancy.ts'
import type { Ask, OrganizationBody } from '../support/tenancy.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { auditOf } from './control_world.ts'

const path = '/api/v1/organizations'
let world: World
beforeEach(async () => {
  world = await createWorld()
})

const own = () => `${path}/${world.organizationId}`
const ask: Ask = (method, to, options) => askIn(world, method, to, options)
const body = async (response: Promise<Response>) => (await response).json<OrganizationBody>()

describe('handing an organization over', () => {
  const transfer = (user_id: string, as = world.owner) => ask('POST', `${own()}/transfer`, { as, json: { user_id } })

  it('makes a member owner and the owner admin; both get a mail, and the audit log names them', async () => {
    const member = await world.addMember('viewer')
    expect(await body(transfer(member.userId))).toMatchObject({ roles: ['admin', 'account_admin'] })
    expect(await rolesIn(world.organizationId)).toEqual({ [member.userId]: 'owner', [world.owner.userId]: 'admin' })
    expect(await mailsAbout(world.organizationId)).toEqual(
      [`ownership_transferred to ${member.email}`, `ownership_transferred to ${world.owner.email}`].toSorted(),
    )
    expect(await auditOf(world, 'organization.transfer')).toMatchObject([{ details: { to: member.userId, from: [world.owner.userId] } }])
    expect((await transfer(world.owner.userId)).status).toBe(403)
  })

  it('leaves one owner more or less, however many requests race', async () => {
    const [a, b] = [await world.addMember('admin'), await world.addMember('member')]
    const answers = await Promise.all([transfer(a.userId), transfer(b.userId)])
    // The loser finds out at the door or in the batch.
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1)
    expect(Object.values(await rolesIn(world.organizationId)).filter((role) => role === 'owner')).toHaveLength(1)
  })

  it('is refused to oneself, to strangers, to the deleted and to things that are no users', async () => {
    const gone = await world.addMember('member')
    await testCtx().db.update(users).set({ deletedAt: Date.now() }).where(eq(users.id, gone.userId))
    const stranger = await createWorld()
    for (const id of [world.owner.userId, gone.userId, stranger.owner.userId, world.organizationId, world.accountId])
      expect((await transfer(id)).status).toBe(422)
    expect((await transfer('x')).status).toBe(400)
    expect(await rolesIn(world.organizationId)).toMatchObject({ [world.owner.userId]: 'owner' })
    await forgetPassword(world.owner)
    expect(await problemOf(await transfer(stranger.owner.userId))).toMatchObject({ code: 'reauthentication_required' })
  })

  it('by staff leaves the new owner alone, and says that staff did it', async () => {
    const staff = await createWorld()
    await makeStaff(staff.owner)
    const [member] = [await world.addMember('member'), await world.addMember('owner')]
    expect((await transfer(member.userId, staff.owner)).status).toBe(200)
    expect(Object.values(await rolesIn(world.organizationId)).toSorted()).toEqual(['admin', 'admin', 'owner'])
    expect(await auditOf(world, 'staff.act')).toMatchObject([{ details: { route: 'organizations.transfer' } }])
  })
})

it('an organization is not found under the id of another, of an account, a user or a key', async () => {
  const other = await createWorld()
  const { id: keyId } = await world.createKey('query')
  for (const id of [other.organizationId, other.accountId, world.accountId, world.owner.userId, keyId])
    for (const [method, more, json] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'mine' }],
      ['DELETE', '', undefined],
      ['POST', '/restore', undefined],
      ['POST', '/transfer', { user_id: world.owner.userId }],
    ] as const)
      expect([id, method, (await ask(method, `${path}/${id}${more}`, { json })).status]).toEqual([id, method, 404])
  expect(await testCtx().db.select().from(accounts).where(eq(accounts.id, other.accountId))).toMatchObject([{ deletedAt: null }])
})
