import { and, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { invitationsPerEmailMax, invitationsPerOrganizationMax, invitationTtlMs } from '../../src/core/limits.ts'
import type { Role } from '../../src/core/permissions.ts'
import { accounts, memberships, organizations, users } from '../../src/db/schema.ts'
import { accountAuditLog, auditLog } from '../../src/db/schema_audit.ts'
import { invitations } from '../../src/db/schema_identity.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { callFrom, createWorld, randomAddress, testCtx } from '../support/world.ts'
import type { Person, World } from '../support/world.ts'

const { db } = testCtx()
const password = 'correct horse battery staple'

interface Invitation {
  id: string
  email: string
  role: Role
  status: string
  invited_by: string
  expires_at: string
}

function pathOf({ organizationId }: World, id?: string): string {
  return `/api/v1/organizations/${organizationId}/invitations${id === undefined ? '' : `/${id}`}`
}

function newEmail(): string {
  return `guest-${crypto.randomUUID()}@example.com`
}

function ask(world: World, email: string, role: Role = 'member', by: Person = world.owner): Promise<Response> {
  return world.call(pathOf(world), { as: by.accessToken, json: { email, role } })
}

async function invite(world: World, email: string, role: Role = 'member', by: Person = world.owner): Promise<Invitation> {
  const response = await ask(world, email, role, by)
  if (response.status !== 201) throw new Error(`not invited: ${response.status} ${await response.text()}`)
  return response.json<Invitation>()
}

/** The token in the newest mail. */
async function tokenOf(email: string): Promise<string> {
  const token = (await mailsTo(email, 'invitation')).at(-1)?.token
  if (token === undefined) throw new Error(`no invitation for ${email}`)
  return token
}

function accept(who: Person, token: string): Promise<Response> {
  return callFrom(randomAddress(), '/api/v1/invitations/accept', { as: who.accessToken, json: { token } })
}

function register(token: string, more: object = { password }): Promise<Response> {
  return callFrom(randomAddress(), '/api/v1/invitations/register', { json: { token, ...more } })
}

async function rolesIn({ organizationId }: World): Promise<Record<string, Role>> {
  const rows = await db.select().from(memberships).where(eq(memberships.organizationId, organizationId))
  return Object.fromEntries(rows.map(({ userId, role }) => [userId, role]))
}

async function actionsIn({ organizationId }: World): Promise<string[]> {
  const rows = await db.select().from(auditLog).where(eq(auditLog.organizationId, organizationId)).orderBy(auditLog.id)
  return rows.map(({ action }) => action).filter((action) => action !== 'organization.create')
}

const worthless = { status: 400, code: 'invalid_one_time_token' }

describe('inviting', () => {
  it('sends a mail whose token is stored nowhere else, and shows the invitation without it', async () => {
    const world = await createWorld()
    const email = newEmail()
    const response = await ask(world, ` ${email.toUpperCase()} `, 'admin')
    expect(response.status).toBe(201)
    const shown = await response.json<Invitation>()
    expect(response.headers.get('Location')).toBe(pathOf(world, shown.id))
    expect(shown).toMatchObject({ email, role: 'admin', status: 'pending', invited_by: world.owner.userId })
    expect(Date.parse(shown.expires_at) - Date.now()).toBeGreaterThan(invitationTtlMs - 60_000)
    expect(await mailsTo(email, 'invitation')).toEqual([
      { token: expect.any(String) as string, organization_name: 'Test', invited_by: 'Owner', role: 'admin' },
    ])
    const token = await tokenOf(email)
    const stored = await db.select().from(invitations).where(eq(invitations.id, shown.id))
    const entries = await db.select().from(auditLog).where(eq(auditLog.organizationId, world.organizationId))
    expect(JSON.stringify([stored, entries, shown])).not.toContain(token)
    expect(await (await world.call(pathOf(world, shown.id), { as: world.owner.accessToken })).json()).toEqual(shown)
    expect(entries.at(-1)).toMatchObject({ action: 'invitation.create', targetId: shown.id, details: { email, role: 'admin' } })
  })

  it('answers alike whether or not a user has the e-mail', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    const answers = [await ask(world, other.owner.email), await ask(world, newEmail())]
    expect(answers.map(({ status }) => status)).toEqual([201, 201])
    const shapes = (await Promise.all(answers.map((answer) => answer.json<Invitation>()))).map(({ id: _, email: __, ...rest }) => ({
      ...rest,
      created_at: '',
      updated_at: '',
      expires_at: '',
    }))
    expect(shapes[0]).toEqual(shapes[1])
  })

  it('refuses the own address, and one of a member', async () => {
    const world = await createWorld()
    const admin = await world.addMember('admin')
    expect(await problemOf(await ask(world, admin.email, 'viewer', admin))).toMatchObject({ status: 422, code: 'unprocessable' })
    expect(await problemOf(await ask(world, admin.email))).toMatchObject({ status: 409, code: 'conflict' })
    expect(await actionsIn(world)).toEqual(['membership.create'])
    expect(await mailsTo(admin.email, 'invitation')).toEqual([])
  })

  it.each([
    'ann@ex\u0430mple.com',
    '\u0430nn@example.com',
    'ann@example.com\r\nBcc: all@example.com',
    'ann',
    'a@b@c',
    '\uff41nn@example.com',
  ])('refuses %j, which is, or looks like, another address', async (email) => {
    const world = await createWorld()
    expect(await problemOf(await ask(world, email))).toMatchObject({ status: 400, code: 'validation_failed' })
  })

  it('of an owner is for owners, not for admins: nor is sending it again or revoking it', async () => {
    const world = await createWorld()
    const admin = await world.addMember('admin')
    expect(await problemOf(await ask(world, newEmail(), 'owner', admin))).toMatchObject({ status: 403, code: 'forbidden' })
    const email = newEmail()
    const { id } = await invite(world, email, 'owner')
    for (const [method, path] of [
      ['POST', `${pathOf(world, id)}/resend`],
      ['DELETE', pathOf(world, id)],
    ] as const)
      expect((await world.call(path, { method, as: admin.accessToken })).status).toBe(403)
    expect((await register(await tokenOf(email))).status).toBe(201)
    expect(Object.values(await rolesIn(world)).toSorted()).toEqual(['admin', 'owner', 'owner'])
  })

  it('again replaces the invitation before, whose token is worthless then', async () => {
    const world = await createWorld()
    const email = newEmail()
    const first = await invite(world, email, 'admin')
    const firstToken = await tokenOf(email)
    const second = await invite(world, email, 'viewer')
    const list = await (await world.call(pathOf(world), { as: world.owner.accessToken })).json()
    expect(list).toMatchObject({ count: 1, results: [{ id: second.id, role: 'viewer' }] })
    expect((await world.call(pathOf(world, first.id), { as: world.owner.accessToken })).status).toBe(404)
    expect(await problemOf(await register(firstToken))).toMatchObject(worthless)
    expect(await (await register(await tokenOf(email))).json()).toMatchObject({ role: 'viewer' })
  })

  it('leaves one open invitation when it happens in parallel', async () => {
    const world = await createWorld()
    const email = newEmail()
    await Promise.all([invite(world, email), invite(world, email), invite(world, email)])
    expect(await (await world.call(pathOf(world), { as: world.owner.accessToken })).json()).toMatchObject({ count: 1 })
  })

  it('takes a few an hour for one address, whoever invites, and says when to try again', async () => {
    const email = newEmail()
    for (let i = 0; i < invitationsPerEmailMax; i += 1) await invite(await createWorld(), email)
    const world = await createWorld()
    const response = await ask(world, email)
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(3_000)
    const { status, code, details } = await problemOf(response)
    expect([status, code, Object.keys(details ?? {})]).toEqual([429, 'rate_limited', ['invitations_per_email']])
    expect(await actionsIn(world)).toEqual([])
    expect((await ask(world, newEmail())).status).toBe(201)
  })

  it('takes so many an hour for one organization, parallel ones too', async () => {
    const world = await createWorld()
    const answers = await Promise.all(Array.from({ length: invitationsPerOrganizationMax + 5 }, () => ask(world, newEmail())))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(invitationsPerOrganizationMax)
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(5)
    expect(Object.keys((await problemOf(refused[0] as Response)).details ?? {})).toEqual(['invitations_per_organization'])
  })
})

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
    expect((await rolesIn(world))[userId]).toBe('member')
    expect(await actionsIn(world)).toEqual(['invitation.create', 'membership.create'])
    const [entry] = await db
      .select()
      .from(accountAuditLog)
      .where(and(eq(accountAuditLog.accountId, world.accountId), eq(accountAuditLog.action, 'user.create')))
    expect(entry).toMatchObject({ targetId: userId, details: { invitation_id: id } })
    expect((await world.call('/api/v1/auth/login', { json: { email, password } })).status).toBe(200)
    expect(await (await world.call(pathOf(world), { as: world.owner.accessToken })).json()).toMatchObject({ count: 0 })
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
    expect((await rolesIn(world))[other.owner.userId]).toBe('admin')
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

  it('is not for somebody else who got hold of the token, and leaves it good', async () => {
    const [world, other, thief] = [await createWorld(), await createWorld(), await createWorld()]
    await invite(world, other.owner.email, 'owner')
    const token = await tokenOf(other.owner.email)
    expect(await problemOf(await accept(thief.owner, token))).toMatchObject({ status: 403, code: 'forbidden' })
    expect(Object.keys(await rolesIn(world))).toEqual([world.owner.userId])
    expect((await accept(other.owner, token)).status).toBe(200)
  })

  it('spends the token of who became a member meanwhile, whose role stays', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    await invite(world, other.owner.email, 'admin')
    await db.insert(memberships).values({ userId: other.owner.userId, organizationId: world.organizationId, role: 'viewer', createdAt: 0 })
    const token = await tokenOf(other.owner.email)
    expect(await problemOf(await accept(other.owner, token))).toMatchObject({ status: 409, code: 'conflict' })
    expect((await rolesIn(world))[other.owner.userId]).toBe('viewer')
    expect(await problemOf(await accept(other.owner, token))).toMatchObject(worthless)
  })
})

describe('a token', () => {
  const ends: [string, (world: World, invitation: Invitation) => Promise<unknown>][] = [
    ['revoked', (world, { id }) => world.call(pathOf(world, id), { method: 'DELETE', as: world.owner.accessToken })],
    ['sent again', (world, { id }) => world.call(`${pathOf(world, id)}/resend`, { method: 'POST', as: world.owner.accessToken })],
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
    expect(Object.keys(await rolesIn(world))).toEqual([world.owner.userId])
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

  it('is new, and good for seven days more, when an expired invitation is sent again', async () => {
    const world = await createWorld()
    const email = newEmail()
    const { id } = await invite(world, email)
    await db
      .update(invitations)
      .set({ expiresAt: Date.now() - 1 })
      .where(eq(invitations.id, id))
    expect(await (await world.call(pathOf(world, id), { as: world.owner.accessToken })).json()).toMatchObject({ status: 'expired' })
    const response = await world.call(`${pathOf(world, id)}/resend`, { method: 'POST', as: world.owner.accessToken })
    const shown = await response.json<Invitation>()
    expect([response.status, shown.status]).toEqual([200, 'pending'])
    expect(Date.parse(shown.expires_at) - Date.now()).toBeGreaterThan(invitationTtlMs - 60_000)
    expect(await mailsTo(email, 'invitation')).toHaveLength(2)
    expect((await register(await tokenOf(email))).status).toBe(201)
    expect(await actionsIn(world)).toEqual(['invitation.create', 'invitation.resend', 'membership.create'])
  })
})

describe('the open invitations', () => {
  it('are listed, searched and ordered, for who manages members', async () => {
    const world = await createWorld()
    const mark = crypto.randomUUID()
    const emails = [`b-${mark}@example.com`, `a-${mark}@example.com`]
    for (const email of emails) await invite(world, email)
    const found = async (query: string) =>
      (
        await (await world.call(`${pathOf(world)}?${query}`, { as: world.owner.accessToken })).json<{ results: Invitation[] }>()
      ).results.map(({ email }) => email)
    expect(await found('ordering=email')).toEqual(emails.toReversed())
    expect(await found('')).toEqual(emails.toReversed())
    expect(await found('search=B-')).toEqual([emails[0]])
    for (const role of ['member', 'viewer'] as const) {
      const { accessToken } = await world.addMember(role)
      expect((await world.call(pathOf(world), { as: accessToken })).status).toBe(403)
    }
  })

  it('do not exist for another organization', async () => {
    const [mine, other] = [await createWorld(), await createWorld()]
    const { id } = await invite(other, newEmail())
    for (const path of [pathOf(mine, id), pathOf(other, id)]) {
      expect((await mine.call(path, { as: mine.owner.accessToken })).status).toBe(404)
      expect((await mine.call(path, { method: 'DELETE', as: mine.owner.accessToken })).status).toBe(404)
      expect((await mine.call(`${path}/resend`, { method: 'POST', as: mine.owner.accessToken })).status).toBe(404)
    }
    expect((await other.call(pathOf(other, id), { as: other.owner.accessToken })).status).toBe(200)
  })

  it('forget what came to nothing long ago', async () => {
    const world = await createWorld()
    const { id } = await invite(world, newEmail())
    await db.update(invitations).set({ expiresAt: 1 }).where(eq(invitations.id, id))
    const { id: fresh } = await invite(world, newEmail())
    const rows = await db.select({ id: invitations.id }).from(invitations).where(eq(invitations.organizationId, world.organizationId))
    expect(rows).toEqual([{ id: fresh }])
  })
})
