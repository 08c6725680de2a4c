import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import {
  invitationMailsPerEmailMax,
  invitationsPerEmailMax,
  invitationsPerOrganizationMax,
  invitationsPerPersonMax,
  invitationTtlMs,
} from '../../src/core/limits.ts'
import { memberships } from '../../src/db/schema.ts'
import { auditLog } from '../../src/db/schema_audit.ts'
import { invitations, loginAttempts } from '../../src/db/schema_identity.ts'
import { sha256 } from '../../src/features/auth/hash.ts'
import { invite as inviteMember } from '../../src/features/invitations/create.ts'
import { resendInvitation } from '../../src/features/invitations/resend.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { mailsAbout, rolesIn } from '../support/tenancy.ts'
import { createWorld, testCtx } from '../support/world.ts'
import { actionsIn, askToInvite, invitationsPath, invite, newEmail, register, tokenOf, worthless } from './invitations_world.ts'
import { letIn } from './members_world.ts'
import type { Invitation } from './invitations_world.ts'

const { db } = testCtx()

describe('inviting', () => {
  it('sends a mail whose token is stored nowhere else, and shows the invitation without it', async () => {
    const world = await createWorld()
    const email = newEmail()
    const response = await askToInvite(world, ` ${email.toUpperCase()} `, 'admin')
    expect(response.status).toBe(201)
    const shown = await response.json<Invitation>()
    expect(response.headers.get('Location')).toBe(invitationsPath(world, shown.id))
    expect(shown).toMatchObject({ email, role: 'admin', status: 'pending', invited_by: world.owner.userId })
    expect(Date.parse(shown.expires_at) - Date.now()).toBeGreaterThan(invitationTtlMs - 60_000)
    expect(await mailsTo(email, 'invitation')).toEqual([
      { token: expect.any(String) as string, organization_name: 'Test', invited_by: 'Owner', role: 'admin' },
    ])
    const token = await tokenOf(email)
    const stored = await db.select().from(invitations).where(eq(invitations.id, shown.id))
    const entries = await db.select().from(auditLog).where(eq(auditLog.organizationId, world.organizationId))
    expect(JSON.stringify([stored, entries, shown])).not.toContain(token)
    expect(await (await world.call(invitationsPath(world, shown.id), { as: world.owner.accessToken })).json()).toEqual(shown)
    expect(entries.at(-1)).toMatchObject({ action: 'invitation.create', targetId: shown.id, details: { role: 'admin' } })
  })

  it('answers alike whether or not a user has the e-mail', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    const answers = [await askToInvite(world, other.owner.email), await askToInvite(world, newEmail())]
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
    expect(await problemOf(await askToInvite(world, admin.email, 'viewer', admin))).toMatchObject({ status: 422, code: 'unprocessable' })
    expect(await problemOf(await askToInvite(world, admin.email))).toMatchObject({ status: 409, code: 'conflict' })
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
    // The Kelvin sign, which lower-cases to k.
    'fran\u212a@example.com',
    'ann@example\u3002com',
    'ann\u200b@example.com',
    '\u00a0ann@example.com',
  ])('refuses %j, which is, or looks like, another address, and writes to nobody', async (email) => {
    const world = await createWorld()
    expect(await problemOf(await askToInvite(world, email))).toMatchObject({ status: 400, code: 'validation_failed' })
    expect(await actionsIn(world)).toEqual([])
    expect(await mailsAbout(world.organizationId)).toEqual([])
  })

  it('of an owner is for owners, not for admins: nor is sending it again or revoking it', async () => {
    const world = await createWorld()
    const admin = await world.addMember('admin')
    expect(await problemOf(await askToInvite(world, newEmail(), 'owner', admin))).toMatchObject({ status: 403, code: 'forbidden' })
    const email = newEmail()
    const { id } = await invite(world, email, 'owner')
    for (const [method, path] of [
      ['POST', `${invitationsPath(world, id)}/resend`],
      ['DELETE', invitationsPath(world, id)],
    ] as const)
      expect((await world.call(path, { method, as: admin.accessToken })).status).toBe(403)
    expect((await register(await tokenOf(email))).status).toBe(201)
    expect(Object.values(await rolesIn(world.organizationId)).toSorted()).toEqual(['admin', 'owner', 'owner'])
  })

  it('comes to nothing when the right to it is taken away while the request is under way', async () => {
    const world = await createWorld()
    const admin = await world.addMember('admin')
    const { id } = await invite(world, newEmail(), 'admin', admin)
    const token = (await db.select().from(invitations).where(eq(invitations.id, id)))[0]?.tokenHash
    const late = await letIn(world, admin, 'admin')
    await db.update(memberships).set({ role: 'member' }).where(eq(memberships.userId, admin.userId))
    const [lost, email] = [{ code: 'forbidden' }, newEmail()]
    await expect(inviteMember(late, { email, role: 'admin' })).rejects.toMatchObject(lost)
    await expect(resendInvitation(late, id)).rejects.toMatchObject(lost)
    const open = await db.select().from(invitations).where(eq(invitations.organizationId, world.organizationId))
    expect(open.map(({ tokenHash }) => tokenHash)).toEqual([token])
    expect(await mailsTo(email, 'invitation')).toEqual([])
    expect(await actionsIn(world)).toEqual(['membership.create', 'invitation.create'])
  })

  it('again replaces the invitation before, whose token is worthless then', async () => {
    const world = await createWorld()
    const email = newEmail()
    const first = await invite(world, email, 'admin')
    const firstToken = await tokenOf(email)
    const second = await invite(world, email, 'viewer')
    const list = await (await world.call(invitationsPath(world), { as: world.owner.accessToken })).json()
    expect(list).toMatchObject({ count: 1, results: [{ id: second.id, role: 'viewer' }] })
    expect((await world.call(invitationsPath(world, first.id), { as: world.owner.accessToken })).status).toBe(404)
    expect(await problemOf(await register(firstToken))).toMatchObject(worthless)
    expect(await (await register(await tokenOf(email))).json()).toMatchObject({ role: 'viewer' })
  })

  it('leaves one open invitation when it happens in parallel', async () => {
    const world = await createWorld()
    const email = newEmail()
    await Promise.all([invite(world, email), invite(world, email), invite(world, email)])
    expect(await (await world.call(invitationsPath(world), { as: world.owner.accessToken })).json()).toMatchObject({ count: 1 })
  })

  it('takes a few an hour for one address in one organization, and says when to try again', async () => {
    const [world, other, email] = [await createWorld(), await createWorld(), newEmail()]
    for (let i = 0; i < invitationsPerEmailMax; i += 1) await invite(world, email)
    const response = await askToInvite(world, email)
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(3_000)
    const { status, code, details } = await problemOf(response)
    expect([status, code, Object.keys(details ?? {})]).toEqual([429, 'rate_limited', ['invitations_per_email']])
    expect(await actionsIn(world)).toHaveLength(invitationsPerEmailMax)
    expect((await askToInvite(world, newEmail())).status).toBe(201)
    expect((await askToInvite(other, email)).status).toBe(201)
  })

  it('sends a few mails an hour to one address, whoever invites, and does not tell when it holds one back', async () => {
    const [world, later, email] = [await createWorld(), await createWorld(), newEmail()]
    const { id } = await invite(world, email)
    const token = await tokenOf(email)
    for (let sent = 1; sent < invitationMailsPerEmailMax; sent += 3) {
      const hostile = await createWorld()
      for (let i = 0; i < 3; i += 1) await invite(hostile, email)
    }
    expect(await mailsTo(email, 'invitation')).toHaveLength(invitationMailsPerEmailMax)
    expect(await invite(later, email)).toMatchObject({ email, status: 'pending' })
    expect((await world.call(`${invitationsPath(world, id)}/resend`, { method: 'POST', as: world.owner.accessToken })).status).toBe(200)
    expect(await mailsTo(email, 'invitation')).toHaveLength(invitationMailsPerEmailMax)
    // What no mail replaced is still good.
    expect(await (await register(token)).json()).toMatchObject({ organization_id: world.organizationId })
  })

  it('takes so many an hour for one organization, parallel ones too', async () => {
    const world = await createWorld()
    const answers = await Promise.all(Array.from({ length: invitationsPerOrganizationMax + 5 }, () => askToInvite(world, newEmail())))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(invitationsPerOrganizationMax)
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(5)
    expect(Object.keys((await problemOf(refused[0] as Response)).details ?? {})).toEqual(['invitations_per_organization'])
  })
})

describe('one person', () => {
  it('invites so many an hour, in however many organizations', async () => {
    const world = await createWorld()
    const subject = sha256(`inviter ${world.owner.userId}`)
    const rows = Array.from({ length: invitationsPerPersonMax - 1 }, () => ({
      emailHash: subject,
      id: crypto.randomUUID(),
      address: 'elsewhere',
      createdAt: Date.now(),
    }))
    for (let at = 0; at < rows.length; at += 20) await db.insert(loginAttempts).values(rows.slice(at, at + 20))
    const answers = await Promise.all([1, 2, 3].map(() => askToInvite(world, newEmail())))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 429, 429])
    const refused = answers.find(({ status }) => status === 429)
    expect(Object.keys((await problemOf(refused as Response)).details ?? {})).toEqual(['invitations_per_person'])
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
        await (await world.call(`${invitationsPath(world)}?${query}`, { as: world.owner.accessToken })).json<{ results: Invitation[] }>()
      ).results.map(({ email }) => email)
    expect(await found('ordering=email')).toEqual(emails.toReversed())
    expect(await found('')).toEqual(emails.toReversed())
    expect(await found(`search=B-${mark}`)).toEqual([emails[0]])
    for (const role of ['member', 'viewer'] as const) {
      const { accessToken } = await world.addMember(role)
      expect((await world.call(invitationsPath(world), { as: accessToken })).status).toBe(403)
    }
  })

  it('do not exist for another organization', async () => {
    const [mine, other] = [await createWorld(), await createWorld()]
    const { id } = await invite(other, newEmail())
    for (const path of [invitationsPath(mine, id), invitationsPath(other, id)]) {
      expect((await mine.call(path, { as: mine.owner.accessToken })).status).toBe(404)
      expect((await mine.call(path, { method: 'DELETE', as: mine.owner.accessToken })).status).toBe(404)
      expect((await mine.call(`${path}/resend`, { method: 'POST', as: mine.owner.accessToken })).status).toBe(404)
    }
    expect((await other.call(invitationsPath(other, id), { as: other.owner.accessToken })).status).toBe(200)
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
