import { and, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { accountMemberships, memberships, organizations, users } from '../../src/db/schema.ts'
import { mails } from '../../src/db/schema_content.ts'
import { invitations } from '../../src/db/schema_identity.ts'
import { purge } from '../../src/jobs/purge.ts'
import { accountEntriesOf } from '../support/account_entries.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { daysLater, rowsWith } from '../support/purge_world.ts'
import { getTicket, openTail } from '../support/tail.ts'
import { changesIn, defaultOf, makeStaff } from '../support/tenancy.ts'
import { asOwner, createUser, userRowOf, usersPath as path } from '../support/users.ts'
import { callFrom, createWorld, randomAddress, testCtx } from '../support/world.ts'
import type { Person, World } from '../support/world.ts'
import { accept, askToInvite, invite, newEmail, register, tokenOf } from './invitations_world.ts'

const { db } = testCtx()

const remove = (world: World, { userId }: Pick<Person, 'userId'>) => asOwner(world, `${path}/${userId}`, { method: 'DELETE' })

async function meOf({ email, password }: Person): Promise<unknown> {
  const login = await callFrom(randomAddress(), '/api/v1/auth/login', { json: { email, password } })
  const { access_token } = await login.json<{ access_token: string }>()
  return (await callFrom(randomAddress(), '/api/v1/auth/me', { as: access_token })).json()
}

describe('a user who never chose a password', () => {
  it('gives the e-mail free when deleted, so that its owner registers, or comes by an invitation', async () => {
    const [world, host] = [await createWorld(), await createWorld()]
    const [first, second] = [await createUser(world), await createUser(world)]
    await invite(host, second.email)
    for (const { id } of [first, second]) expect((await remove(world, { userId: id })).status).toBe(204)

    const json = { email: first.email, password: 'some other battery staple', organization_name: 'Own' }
    expect((await callFrom(randomAddress(), '/api/v1/auth/register', { json })).status).toBe(201)
    const [own] = await db.select().from(users).where(eq(users.email, first.email))
    expect(own?.accountId).not.toBe(world.accountId)
    expect((await register(await tokenOf(second.email))).status).toBe(201)
    const [joined] = await db.select().from(users).where(eq(users.email, second.email))
    expect(
      await db
        .select()
        .from(memberships)
        .where(eq(memberships.userId, joined?.id ?? '')),
    ).toMatchObject([{ organizationId: host.organizationId }])
  })

  it('cannot be restored, gets no mail, and the mail from before gives no password', async () => {
    const world = await createWorld()
    const { id, email } = await createUser(world)
    const [sent] = await mailsTo(email, 'set_password')
    expect((await remove(world, { userId: id })).status).toBe(204)
    expect((await asOwner(world, `${path}/${id}/restore`, { method: 'POST' })).status).toBe(404)
    expect(await (await asOwner(world, `${path}?deleted=true`)).json()).toMatchObject({ count: 0 })
    const json = { token: sent?.token, password: 'some other battery staple' }
    expect(await problemOf(await world.call('/api/v1/auth/password-reset/confirm', { json }))).toMatchObject({ status: 400 })
    expect((await db.select().from(mails).where(eq(mails.recipient, email))).map(({ kind }) => kind)).toEqual(['set_password'])
    const [deletion] = (await accountEntriesOf(id)).filter(({ action }) => action === 'user.delete')
    expect(deletion).toMatchObject({ actorId: world.owner.userId, details: { email_freed: true } })
  })

  it('is purged without what others sent to the e-mail', async () => {
    const [world, host] = [await createWorld(), await createWorld()]
    const { id, email } = await createUser(world)
    await invite(host, email)
    expect((await remove(world, { userId: id })).status).toBe(204)
    await purge(daysLater(testCtx(), 31), { kind: 'purge', thing: 'user', id })
    // The entry that the purge itself leaves.
    expect(await rowsWith(id)).toEqual({ account_audit_log: 1 })
    expect(await mailsTo(email, 'set_password')).toEqual([])
    expect((await register(await tokenOf(email))).status).toBe(201)
  })

  it('keeps the e-mail once a password is chosen', async () => {
    const world = await createWorld()
    const member = await world.addMember('member')
    expect((await remove(world, member)).status).toBe(204)
    expect((await userRowOf(member.userId))?.email).toBe(member.email)
    expect((await asOwner(world, path, { json: { email: member.email, name: 'New' } })).status).toBe(409)
  })
})

describe('a user who is a member of other tenants', () => {
  async function addGuest(home: World, host: World): Promise<Person> {
    const guest = await home.addMember('admin')
    await invite(host, guest.email, 'admin')
    expect((await accept(guest, await tokenOf(guest.email))).status).toBe(200)
    return guest
  }

  it('is not deleted by the account, but leaves it, and goes on elsewhere with an account of the own', async () => {
    const [home, host] = [await createWorld(), await createWorld()]
    const guest = await addGuest(home, host)
    await db.insert(accountMemberships).values({ userId: guest.userId, accountId: home.accountId, role: 'admin', createdAt: 1 })
    await askToInvite(home, newEmail(), 'member', guest)
    const tail = await openTail(home, { ticket: await getTicket(home, guest.accessToken) })
    expect((await remove(home, guest)).status).toBe(204)

    expect((await tail.closed).code).toBe(4003)
    expect((await asOwner(home, `${path}/${guest.userId}`)).status).toBe(404)
    expect(await (await asOwner(home, `${path}?deleted=true`)).json()).toMatchObject({ count: 0 })
    expect((await asOwner(home, `${path}/${guest.userId}/restore`, { method: 'POST' })).status).toBe(404)
    expect((await callFrom(randomAddress(), '/api/v1/auth/me', { as: guest.accessToken })).status).toBe(200)
    const accountId = (await userRowOf(guest.userId))?.accountId ?? ''
    expect(await meOf(guest)).toMatchObject({
      memberships: [{ organization_id: host.organizationId, role: 'admin', is_default: true }],
      accounts: [{ account_id: accountId, role: 'owner' }],
    })
    expect(accountId).not.toBe(home.accountId)
    expect(await defaultOf(guest)).toBe(host.organizationId)
    const sent = await db.select().from(invitations).where(eq(invitations.invitedBy, guest.userId))
    expect(sent.map(({ revokedAt }) => revokedAt === null)).toEqual([false])

    expect((await mailsTo(guest.email, 'membership_removed')).map((mail) => mail.name)).toEqual(['Test'])
    const acts = (await accountEntriesOf(guest.userId)).map(({ action, accountId: of }) => `${action} ${of === home.accountId}`)
    expect(acts).toContain('user.move_out true')
    expect(acts.join()).not.toContain('user.delete')
    const removals = await changesIn(home.organizationId, 'membership.remove')
    expect(removals).toEqual([{ role: { before: 'admin', after: null } }])
    expect(await accountEntriesOf(accountId)).toMatchObject([{ action: 'account.create', details: { from_account: home.accountId } }])
  })

  it('can still be removed by the other tenant', async () => {
    const [home, host] = [await createWorld(), await createWorld()]
    const guest = await addGuest(home, host)
    expect((await remove(home, guest)).status).toBe(204)
    const member = `/api/v1/organizations/${host.organizationId}/members/${guest.userId}`
    expect((await callFrom(randomAddress(), member, { as: host.owner.accessToken, method: 'DELETE' })).status).toBe(204)
  })

  it('leaves nothing in the log of the account once purged', async () => {
    const [home, host] = [await createWorld(), await createWorld()]
    const guest = await addGuest(home, host)
    expect((await remove(home, guest)).status).toBe(204)
    const of = await accountEntriesOf(guest.userId)
    expect(of.filter(({ accountId }) => accountId === home.accountId).length).toBeGreaterThan(1)
    await db.update(users).set({ deletedAt: Date.now() }).where(eq(users.id, guest.userId))
    await purge(daysLater(testCtx(), 31), { kind: 'purge', thing: 'user', id: guest.userId })
    expect((await accountEntriesOf(guest.userId)).map(({ action }) => action)).toEqual(['user.purge'])
  })

  it('stays as the last owner of an organization of the account, which is named, and what is owned elsewhere is not', async () => {
    const [home, host] = [await createWorld(), await createWorld()]
    await db.update(organizations).set({ name: 'Home' }).where(eq(organizations.id, home.organizationId))
    await db.update(organizations).set({ name: 'Secret' }).where(eq(organizations.id, host.organizationId))
    const guest = await addGuest(home, host)
    const organizationRole = (userId: string, organizationId: string) =>
      and(eq(memberships.userId, userId), eq(memberships.organizationId, organizationId))
    await db.update(memberships).set({ role: 'owner' }).where(eq(memberships.userId, guest.userId))
    for (const { owner, organizationId } of [home, host])
      await db.update(memberships).set({ role: 'admin' }).where(organizationRole(owner.userId, organizationId))
    const before = await userRowOf(guest.userId)
    const refused = await problemOf(await remove(home, guest))
    expect(refused).toMatchObject({ status: 409, code: 'last_owner', detail: expect.stringContaining('Home') as string })
    expect(JSON.stringify(refused)).not.toContain('Secret')
    expect(await userRowOf(guest.userId)).toEqual(before)

    await db.update(memberships).set({ role: 'owner' }).where(organizationRole(home.owner.userId, home.organizationId))
    expect((await remove(home, guest)).status).toBe(204)
    expect(await meOf(guest)).toMatchObject({ memberships: [{ organization_id: host.organizationId, role: 'owner' }] })
  })

  it('of two owners leaves one, when both are removed at once', async () => {
    const [home, host] = [await createWorld(), await createWorld()]
    const pair = [await addGuest(home, host), await addGuest(home, host)]
    for (const { userId } of pair)
      await db
        .update(memberships)
        .set({ role: 'owner' })
        .where(and(eq(memberships.userId, userId), eq(memberships.organizationId, home.organizationId)))
    await db.delete(memberships).where(eq(memberships.userId, home.owner.userId))
    const statuses = (await Promise.all(pair.map((guest) => remove(home, guest)))).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 409])
  })

  it('is deleted wholly by staff who act for another account', async () => {
    const [home, host, staff] = [await createWorld(), await createWorld(), await createWorld()]
    await makeStaff(staff.owner)
    const guest = await addGuest(home, host)
    expect((await remove(staff, guest)).status).toBe(204)
    expect(await userRowOf(guest.userId)).toMatchObject({ accountId: home.accountId, deletedAt: expect.any(Number) as number })
  })
})
