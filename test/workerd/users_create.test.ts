import { and, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { invitationsPerEmailMax } from '../../src/core/limits.ts'
import { organizations, users } from '../../src/db/schema.ts'
import { auditLog } from '../../src/db/schema_audit.ts'
import { noPassword } from '../../src/features/auth/password.ts'
import { accountEntriesOf } from '../support/account_entries.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { asOwner, createUser, freshEmail, userRowOf, usersPath as path } from '../support/users.ts'
import type { UserBody } from '../support/users.ts'
import { createWorld, testCtx } from '../support/world.ts'

const { db } = testCtx()

describe('creating a user', () => {
  it('makes one without a password, who chooses it by a mail and logs in', async () => {
    const world = await createWorld()
    const email = freshEmail()
    const response = await asOwner(world, path, {
      json: { email: email.toUpperCase(), name: 'Ann', organization_id: world.organizationId, role: 'viewer' },
    })
    expect(response.status).toBe(201)
    const body = await response.json<UserBody>()
    expect(response.headers.get('Location')).toBe(`${path}/${body.id}`)
    expect(body).toMatchObject({
      email,
      name: 'Ann',
      account_id: world.accountId,
      account_role: null,
      email_verified: false,
      has_password: false,
      second_factor: false,
      is_staff: false,
      deleted_at: null,
    })
    expect((await userRowOf(body.id))?.passwordHash).toBe(noPassword)
    for (const password of ['-', noPassword, 'correct horse battery'])
      expect((await world.call('/api/v1/auth/login', { json: { email, password } })).status).toBe(401)

    const [mail] = await mailsTo(email, 'set_password')
    expect(mail?.account_name).toBe('Test')
    const password = 'some other battery staple'
    const chosen = await world.call('/api/v1/auth/password-reset/confirm', { json: { token: mail?.token, password } })
    expect(chosen.status).toBe(204)
    const login = await world.call('/api/v1/auth/login', { json: { email, password } })
    expect(login.status).toBe(200)
    const me = await world.call('/api/v1/auth/me', { as: (await login.json<{ access_token: string }>()).access_token })
    expect(await me.json()).toMatchObject({
      id: body.id,
      email_verified: true,
      default_organization_id: world.organizationId,
      memberships: [{ organization_id: world.organizationId, role: 'viewer' }],
    })
  })

  it('stands in the logs of the account and of the organization, without the token', async () => {
    const world = await createWorld()
    const { id, email } = await createUser(world, { organization_id: world.organizationId })
    const entries = await accountEntriesOf(id)
    expect(entries).toMatchObject([{ action: 'user.create', actorId: world.owner.userId, accountId: world.accountId, details: { email } }])
    const joined = await db
      .select()
      .from(auditLog)
      .where(and(eq(auditLog.organizationId, world.organizationId), eq(auditLog.targetId, id)))
    expect(joined).toMatchObject([{ action: 'membership.create', actorId: world.owner.userId, details: { role: 'member' } }])
    const [mail] = await mailsTo(email, 'set_password')
    expect(JSON.stringify([entries, joined])).not.toContain(mail?.token)
  })

  it('refuses an e-mail that somebody has, anywhere and in any state, and mails nobody', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    const deleted = await createUser(other)
    expect((await asOwner(other, `${path}/${deleted.id}`, { method: 'DELETE' })).status).toBe(204)
    for (const email of [world.owner.email, other.owner.email.toUpperCase(), deleted.email]) {
      const response = await asOwner(world, path, { json: { email, name: 'New' } })
      expect(await problemOf(response)).toMatchObject({ status: 409, code: 'conflict' })
    }
    expect(await mailsTo(other.owner.email, 'set_password')).toEqual([])
  })

  it('makes one of 5 that are asked for at once with one e-mail', async () => {
    const world = await createWorld()
    const json = { email: freshEmail(), name: 'New', organization_id: world.organizationId }
    const statuses = (await Promise.all(Array.from({ length: 5 }, () => asOwner(world, path, { json })))).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409, 409])
    expect(await mailsTo(json.email, 'set_password')).toHaveLength(1)
  })

  it('finds no organization of another account, that is deleted, nor an id of another kind', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    const { id: keyId } = await world.createKey('query')
    const gone = crypto.randomUUID()
    await db.insert(organizations).values({ id: gone, accountId: world.accountId, name: 'Gone', createdAt: 1, updatedAt: 1, deletedAt: 1 })
    for (const id of [other.organizationId, gone, world.accountId, world.owner.userId, keyId]) {
      const response = await asOwner(world, path, { json: { email: freshEmail(), name: 'New', organization_id: id } })
      expect(await problemOf(response)).toMatchObject({ status: 404, code: 'not_found' })
    }
  })

  it.each([
    ['is_staff', true],
    ['account_id', '01923f00-0000-7000-8000-00000000000a'],
    ['password', 'correct horse battery'],
    ['password_hash', '-'],
    ['email_verified', true],
    ['account_role', 'owner'],
    ['role', 'owner'],
    ['role', 'staff'],
    ['organization_id', 'x'],
    ['email', 'аdmin@example.com'],
  ])('takes no %s of %j', async (field, value) => {
    const world = await createWorld()
    const email = freshEmail()
    const response = await asOwner(world, path, { json: { email, name: 'New', [field]: value } })
    expect(await problemOf(response)).toMatchObject({
      status: 400,
      code: 'validation_failed',
      details: { [field]: expect.anything() as unknown },
    })
    expect(await db.select().from(users).where(eq(users.email, email))).toEqual([])
  })

  it('sends five mails an hour to one e-mail at most, whoever asks', async () => {
    const email = freshEmail()
    const statuses: number[] = []
    for (let i = 0; i <= invitationsPerEmailMax; i += 1) {
      const world = await createWorld()
      statuses.push((await asOwner(world, path, { json: { email, name: 'New' } })).status)
      await db.update(users).set({ email: freshEmail() }).where(eq(users.email, email))
    }
    expect(statuses).toEqual([...Array<number>(invitationsPerEmailMax).fill(201), 429])
  })
})
