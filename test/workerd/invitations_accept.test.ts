import { and, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { invitationTtlMs } from '../../src/core/limits.ts'
import { accounts, memberships, organizations, users } from '../../src/db/schema.ts'
import { accountAuditLog } from '../../src/db/schema_audit.ts'
import { invitations } from '../../src/db/schema_identity.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { rolesIn } from '../support/tenancy.ts'
import { callFrom, createWorld, randomAddress, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { accept, actionsIn, invitationsPath, invite, newEmail, password, register, tokenOf, worthless } from './invitations_world.ts'
import type { Invitation } from './invitations_world.ts'
import { accountAdmin, staff } from './members_world.ts'

const { db } = testCtx()

describe('accepting as a new user', () => {
  it('makes the user in the account of the organization, with the e-mail confirmed, who then logs in', async () => {
    const world = await createWorld()
    const email = newEmail()
    const { id } = await invite(world, email, 'member')
    const token = await tokenOf(email)
    const preview = await callFrom(randomAddress(), '/api/v1/invitations/preview', { json: { token } })
    expect(await preview.json()).toMatchObject({
      organization_name: 'Test',
      email,
      role: 'member',
      invited_by: 'Owner',
      user_exists: false,
    })
    const response = await register(token, { password, name: 'Guest' })
    expect(response.status).toBe(201)
    const { user_id: userId } = await response.json<{ user_id: string }>()
    const [user] = await db.select().from(users).where(eq(users.email, email))
    expect(user).toMatchObject({
      id: userId,
      accountId: world.accountId,
      name: 'Guest',
      isStaff: false,
      defaultOrganizationId: world.organizationId,
      emailVerifiedAt: expect.any(Number) as number,
    })
    expect((await rolesIn(world.organizationId))[userId]).toBe('member')
    expect(await actionsIn(world)).toEqual(['invitation.create', 'membership.create'])
    const [entry] = await db
      .select()
      .from(accountAuditLog)
      .where(
        and(
          eq(accountAuditLog.accountId, world.accountId),
          eq(accountAuditLog.targetId, userId),
          eq(accountAuditLog.action, 'user.create'),
        ),
      )
    expect(entry).toMatchObject({ targetId: userId, details: { invitation_id: id } })
    expect((await world.call('/api/v1/auth/login', { json: { email, password } })).status).toBe(200)
    expect(await (await world.call(invitationsPath(world), { as: world.owner.accessToken })).json()).toMatchObject({ count: 0 })
  })

  it('happens once of 20 at once', async () => {
    const world = await createWorld()
    const email = newEmail()
    await invite(world, email)
    const token = await tokenOf(email)
    const answers = await Promise.all(Array.from({ length: 20 }, () => register(token)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    for (const answer of answers.filter(({ status }) => status !== 201)) expect(await problemOf(answer)).toMatchObject(worthless)
    expect(await db.select().from(users).where(eq(users.email, email))).toHaveLength(1)
    expect(await actionsIn(world)).toEqual(['invitation.create', 'membership.create'])
  })

  it('refuses a bad password and leaves the token good', async () => {
    const world = await createWorld()
    const email = newEmail()
    await invite(world, email)
    const token = await tokenOf(email)
    for (const bad of ['short', 'password123', email, 'x'.repeat(129)]) {
      const problem = await problemOf(await register(token, { password: bad }))
      expect([problem.status, Object.keys(problem.details ?? {})]).toEqual([400, ['password']])
    }
    expect((await register(token)).status).toBe(201)
  })

  it('is not for an e-mail that a user has, who has to sign in', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    await invite(world, other.owner.email)
    const token = await tokenOf(other.owner.email)
    expect(await problemOf(await register(token))).toMatchObject({ status: 409, code: 'conflict' })
    expect((await accept(other.owner, token)).status).toBe(200)
  })
})

describe('accepting as a user', () => {
  it('makes a member of who is signed in with the e-mail, and changes nothing else of the person', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    await db.update(users).set({ emailVerifiedAt: null }).where(eq(users.id, other.owner.userId))
    await invite(world, other.owner.email, 'admin')
    const response = await accept(other.owner, await tokenOf(other.owner.email))
    expect(await response.json()).toEqual({
      user_id: other.owner.userId,
      organization_id: world.organizationId,
      organization_name: 'Test',
      role: 'admin',
    })
    expect((await rolesIn(world.organizationId))[other.owner.userId]).toBe('admin')
    const [user] = await db.select().from(users).where(eq(users.id, other.owner.userId))
    expect(user).toMatchObject({
      accountId: other.accountId,
      defaultOrganizationId: other.organizationId,
      emailVerifiedAt: expect.any(Number) as number,
    })
    const header = { 'X-Organization-Id': world.organizationId }
    expect((await world.call('/api/v1/api-keys', { as: other.owner.accessToken, headers: header })).status).toBe(200)
  })

  it('gives who has no organization its first', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    const person = await other.addMember('member')
    expect(
      (await other.call(`/api/v1/organizations/${other.organizationId}/leave`, { method: 'POST', as: person.accessToken })).status,
    ).toBe(204)
    await invite(world, person.email)
    expect((await accept(person, await tokenOf(person.email))).status).toBe(200)
    const [user] = await db.select().from(users).where(eq(users.id, person.userId))
    expect(user?.defaultOrganizationId).toBe(world.organizationId)
  })

  it('happens once of 20 at once', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    await invite(world, other.owner.email)
    const token = await tokenOf(other.owner.email)
    const answers = await Promise.all(Array.from({ length: 20 }, () => accept(other.owner, token)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const answer of answers.filter(({ status }) => status !== 200)) expect(await problemOf(answer)).toMatchObject(worthless)
    expect(await actionsIn(world)).toEqual(['invitation.create', 'membership.create'])
  })

  it('is not for who has an e-mail that only looks like the one invited, in a domain of its own', async () => {
    const [world, thief] = [await createWorld(), await createWorld()]
    const email = newEmail()
    // What mail programs show as example.com with a Cyrillic letter.
    const lookalike = email.replace('example.com', new URL('https://ex\u0430mple.com').hostname)
    expect(lookalike).toContain('@xn--')
    await db.update(users).set({ email: lookalike }).where(eq(users.id, thief.owner.userId))
    await invite(world, email, 'admin')
    expect(await problemOf(await accept(thief.owner, await tokenOf(email)))).toMatchObject({ status: 403, code: 'forbidden' })
    expect(Object.keys(await rolesIn(world.organizationId))).toEqual([world.owner.userId])
  })

  it('is not for somebody else who got hold of the token, and leaves it good', async () => {
    const [world, other, thief] = [await createWorld(), await createWorld(), await createWorld()]
    await invite(world, other.owner.email, 'owner')
    const token = await tokenOf(other.owner.email)
    expect(await problemOf(await accept(thief.owner, token))).toMatchObject({ status: 403, code: 'forbidden' })
    expect(Object.keys(await rolesIn(world.organizationId))).toEqual([world.owner.userId])
    expect((await accept(other.owner, token)).status).toBe(200)
  })

  it('spends the token of who became a member meanwhile, whose role stays', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    await invite(world, other.owner.email, 'admin')
    await db.insert(memberships).values({ userId: other.owner.userId, organizationId: world.organizationId, role: 'viewer', createdAt: 0 })
    const token = await tokenOf(other.owner.email)
    expect(await problemOf(await accept(other.owner, token))).toMatchObject({ status: 409, code: 'conflict' })
    expect((await rolesIn(world.organizationId))[other.owner.userId]).toBe('viewer')
    expect(await problemOf(await accept(other.owner, token))).toMatchObject(worthless)
  })
})

describe('a token', () => {
  const ends: [string, (world: World, invitation: Invitation) => Promise<unknown>][] = [
    ['revoked', (world, { id }) => world.call(invitationsPath(world, id), { method: 'DELETE', as: world.owner.accessToken })],
    ['sent again', (world, { id }) => world.call(`${invitationsPath(world, id)}/resend`, { method: 'POST', as: world.owner.accessToken })],
    ['expired', (_, { id }) => db.update(invitations).set({ expiresAt: Date.now() }).where(eq(invitations.id, id))],
    [
      'of a deleted organization',
      (world) => db.update(organizations).set({ deletedAt: 1 }).where(eq(organizations.id, world.organizationId)),
    ],
    ['of a deleted account', (world) => db.update(accounts).set({ deletedAt: 1 }).where(eq(accounts.id, world.accountId))],
  ]

  it.each(ends)('is worthless when it was %s', async (_, end) => {
    const [world, other] = [await createWorld(), await createWorld()]
    const guest = newEmail()
    const sent = [await invite(world, guest), await invite(world, other.owner.email)]
    for (const invitation of sent) await end(world, invitation)
    const [guestToken, ownerToken] = [
      (await mailsTo(guest, 'invitation'))[0]?.token ?? '',
      (await mailsTo(other.owner.email, 'invitation'))[0]?.token ?? '',
    ]
    expect(await problemOf(await register(guestToken))).toMatchObject(worthless)
    expect(await problemOf(await accept(other.owner, ownerToken))).toMatchObject(worthless)
    const preview = await callFrom(randomAddress(), '/api/v1/invitations/preview', { json: { token: guestToken } })
    expect(await problemOf(preview)).toMatchObject(worthless)
    expect(Object.keys(await rolesIn(world.organizationId))).toEqual([world.owner.userId])
  })

  it('ends with the membership, or the right, of who sent it', async () => {
    const world = await createWorld()
    const [admin, owner] = [await world.addMember('admin'), await world.addMember('owner')]
    const [byAdmin, byOwner, asAdmin] = [newEmail(), newEmail(), newEmail()]
    await invite(world, byAdmin, 'admin', admin)
    await invite(world, byOwner, 'owner', owner)
    await invite(world, asAdmin, 'viewer', owner)
    const members = `/api/v1/organizations/${world.organizationId}/members`
    await world.call(`${members}/${admin.userId}`, { method: 'DELETE', as: world.owner.accessToken })
    await world.call(`${members}/${owner.userId}`, { method: 'PATCH', as: world.owner.accessToken, json: { role: 'admin' } })
    expect(await problemOf(await register(await tokenOf(byAdmin)))).toMatchObject(worthless)
    expect(await problemOf(await register(await tokenOf(byOwner)))).toMatchObject(worthless)
    expect((await register(await tokenOf(asAdmin))).status).toBe(201)
  })

  it('ends with the role in the account of who sent it, and is good while there is one', async () => {
    const world = await createWorld()
    const [manager, other] = [await accountAdmin(world), await createWorld()]
    const guest = newEmail()
    await invite(world, other.owner.email, 'owner', manager)
    await invite(world, guest, 'viewer', manager)
    expect((await register(await tokenOf(guest))).status).toBe(201)
    const role = `/api/v1/accounts/${world.accountId}/members/${manager.userId}`
    expect((await world.call(role, { method: 'DELETE', as: world.owner.accessToken })).status).toBe(204)
    expect(await problemOf(await accept(other.owner, await tokenOf(other.owner.email)))).toMatchObject(worthless)
    expect(Object.values(await rolesIn(world.organizationId)).toSorted()).toEqual(['owner', 'viewer'])
  })

  it('ends when who sent it is staff no more', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    const helper = await staff()
    await db
      .update(invitations)
      .set({ invitedBy: helper.userId })
      .where(eq(invitations.id, (await invite(world, other.owner.email, 'owner')).id))
    const token = await tokenOf(other.owner.email)
    const isGood = async () => (await callFrom(randomAddress(), '/api/v1/invitations/preview', { json: { token } })).status
    expect(await isGood()).toBe(200)
    await db.update(users).set({ isStaff: false }).where(eq(users.id, helper.userId))
    expect(await isGood()).toBe(400)
  })

  it('is good for the role that its sender may still give, and for no other', async () => {
    const world = await createWorld()
    const sender = await world.addMember('owner')
    const [asOwner, asAdmin] = [newEmail(), newEmail()]
    await invite(world, asOwner, 'owner', sender)
    await invite(world, asAdmin, 'admin', sender)
    // As it stands when the invitation was on its way while the role was taken.
    await db.update(memberships).set({ role: 'admin' }).where(eq(memberships.userId, sender.userId))
    expect(await problemOf(await register(await tokenOf(asOwner)))).toMatchObject(worthless)
    expect((await register(await tokenOf(asAdmin))).status).toBe(201)
  })

  it('is new, and good for seven days more, when an expired invitation is sent again', async () => {
    const world = await createWorld()
    const email = newEmail()
    const { id } = await invite(world, email)
    await db
      .update(invitations)
      .set({ expiresAt: Date.now() - 1 })
      .where(eq(invitations.id, id))
    expect(await (await world.call(invitationsPath(world, id), { as: world.owner.accessToken })).json()).toMatchObject({
      status: 'expired',
    })
    const response = await world.call(`${invitationsPath(world, id)}/resend`, { method: 'POST', as: world.owner.accessToken })
    const shown = await response.json<Invitation>()
    expect([response.status, shown.status]).toEqual([200, 'pending'])
    expect(Date.parse(shown.expires_at) - Date.now()).toBeGreaterThan(invitationTtlMs - 60_000)
    expect(await mailsTo(email, 'invitation')).toHaveLength(2)
    expect((await register(await tokenOf(email))).status).toBe(201)
    expect(await actionsIn(world)).toEqual(['invitation.create', 'invitation.resend', 'membership.create'])
  })
})
