import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { createdUsersPerAddressMax, createdUsersPerPersonMax, invitationsPerEmailMax } from '../../src/core/limits.ts'
import type { AccountCtx } from '../../src/db/context.ts'
import { accountMemberships, users } from '../../src/db/schema.ts'
import { noPassword } from '../../src/features/auth/password.ts'
import { createUser as createNewUser } from '../../src/features/users/create.ts'
import { accountEntriesOf } from '../support/account_entries.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { forgetPassword, makeStaff } from '../support/tenancy.ts'
import { addAccountAdmin, asOwner, createUser, freshEmail, userRowOf, usersPath as path } from '../support/users.ts'
import type { UserBody } from '../support/users.ts'
import { callFrom, createWorld, randomAddress, testCtx } from '../support/world.ts'

const { db } = testCtx()

describe('creating a user', () => {
  it('makes one without a password, who chooses it by a mail and logs in', async () => {
    const world = await createWorld()
    const email = freshEmail()
    const response = await asOwner(world, path, {
      json: { email: email.toUpperCase(), name: 'Ann' },
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
      default_organization_id: null,
      memberships: [],
      accounts: [],
    })
  })

  it('needs the password proved of late, of staff too', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    await forgetPassword(world.owner)
    const json = { email: freshEmail(), name: 'New' }
    const ask = async (at: string) => problemOf(await asOwner(world, at, { json }))
    expect(await ask(path)).toMatchObject({ status: 403, code: 'reauthentication_required' })
    await makeStaff(world.owner)
    expect((await ask(`${path}?account_id=${other.accountId}`)).status).toBe(403)
    expect(await db.select().from(users).where(eq(users.email, json.email))).toEqual([])
  })

  it('stands in the log of the account, without the token', async () => {
    const world = await createWorld()
    const { id, email } = await createUser(world)
    const entries = await accountEntriesOf(id)
    expect(entries).toMatchObject([{ action: 'user.create', actorId: world.owner.userId, accountId: world.accountId, details: { email } }])
    const [mail] = await mailsTo(email, 'set_password')
    expect(JSON.stringify(entries)).not.toContain(mail?.token)
  })

  it('refuses an e-mail that somebody has, anywhere and in any state, and mails nobody', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    const deleted = await other.addMember('member')
    expect((await asOwner(other, `${path}/${deleted.userId}`, { method: 'DELETE' })).status).toBe(204)
    for (const email of [world.owner.email, other.owner.email.toUpperCase(), deleted.email]) {
      const response = await asOwner(world, path, { json: { email, name: 'New' } })
      expect(await problemOf(response)).toMatchObject({ status: 409, code: 'conflict' })
    }
    expect(await mailsTo(other.owner.email, 'set_password')).toEqual([])
  })

  it('makes one of 5 that are asked for at once with one e-mail', async () => {
    const world = await createWorld()
    const json = { email: freshEmail(), name: 'New' }
    const statuses = (await Promise.all(Array.from({ length: 5 }, () => asOwner(world, path, { json })))).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409, 409])
    expect(await mailsTo(json.email, 'set_password')).toHaveLength(1)
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
    ['organization_id', '01923f00-0000-7000-8000-00000000000a'],
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
  it('tells of 30 e-mails an hour at most whether somebody has them, in whichever account and from wherever', async () => {
    const [staff, known] = [await createWorld(), await createWorld()]
    await makeStaff(staff.owner)
    const accountIds = [staff.accountId, known.accountId]
    const ask = (email: string, accountId?: string) =>
      asOwner(staff, `${path}?account_id=${accountId ?? staff.accountId}`, { json: { email, name: 'New' } })
    const statuses: number[] = []
    for (let i = 0; i < createdUsersPerPersonMax; i += 1)
      statuses.push((await ask(i === 0 ? known.owner.email : freshEmail(), accountIds[i % 2])).status)
    expect(statuses).toEqual([409, ...Array<number>(createdUsersPerPersonMax - 1).fill(201)])
    const refused = await ask(freshEmail())
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(3000)
    expect(await problemOf(refused)).toMatchObject({ status: 429, details: { created_users_per_person: [expect.any(String)] } })
    expect((await ask(known.owner.email)).status).toBe(429)
  })

  it('comes to nothing when the role in the account is taken away while the request is under way', async () => {
    const world = await createWorld()
    const { userId, email: ownEmail } = await addAccountAdmin(world)
    const late: AccountCtx = {
      ...testCtx(),
      user: { id: userId, email: ownEmail, accountId: world.accountId, isStaff: false },
      sessionId: 's',
      session: { id: 's', passwordProvedMs: Date.now(), secondFactor: false },
      account: { id: world.accountId, roles: ['admin'] },
    }
    const email = freshEmail()
    await db.delete(accountMemberships).where(eq(accountMemberships.userId, userId))
    await expect(createNewUser(late, { email, name: 'New' }, {})).rejects.toMatchObject({ code: 'not_found' })
    expect(await db.select().from(users).where(eq(users.email, email))).toEqual([])
    expect(await mailsTo(email, 'set_password')).toEqual([])
  })

  it('takes 60 an hour from one address, whoever asks', async () => {
    const address = randomAddress()
    const statuses = []
    for (const count of [createdUsersPerPersonMax, createdUsersPerAddressMax - createdUsersPerPersonMax, 1]) {
      const world = await createWorld()
      for (let i = 0; i < count; i += 1)
        statuses.push((await callFrom(address, path, { as: world.owner.accessToken, json: { email: freshEmail(), name: 'New' } })).status)
    }
    expect(statuses).toEqual([...Array<number>(createdUsersPerAddressMax).fill(201), 429])
  })
})
