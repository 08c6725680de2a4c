import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { changeEmailTtlMs, emailChangesPerUserMax } from '../../src/core/limits.ts'
import { sessions, users } from '../../src/db/schema.ts'
import { emailChanges, oneTimeTokens } from '../../src/db/schema_identity.ts'
import { newOneTimeToken } from '../../src/db/one_time_tokens.ts'
import { confirmChangeEmail } from '../../src/features/auth/change_email_confirm.ts'
import { accountEntriesOf } from '../support/account_entries.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { openTail } from '../support/tail.ts'
import { callFrom, createWorld, randomAddress, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'

const path = '/api/v1/auth/change-email'
const freshEmail = () => `new-${crypto.randomUUID()}@example.com`

const begin = ({ call, owner }: World, newEmail: string) => call(path, { as: owner.accessToken, json: { new_email: newEmail } })
const confirm = (token: string) => callFrom(randomAddress(), `${path}/confirm`, { json: { token } })

/** Begins a change and answers the tokens of both mails. */
async function beginChange(world: World, newEmail = freshEmail()) {
  const response = await begin(world, newEmail)
  if (response.status !== 202) throw new Error(`not begun: ${response.status} ${await response.text()}`)
  const [forOld, forNew] = [await mailsTo(world.owner.email, 'change_email_old'), await mailsTo(newEmail, 'change_email_new')]
  return { newEmail, oldToken: forOld.at(-1)?.token ?? '', newToken: forNew.at(-1)?.token ?? '' }
}

const emailOf = async ({ owner }: World) => {
  const [row] = await testCtx().db.select().from(users).where(eq(users.id, owner.userId))
  return row?.email
}

describe('a change of e-mail', () => {
  it.each(['old', 'new'] as const)('comes about once both addresses have confirmed, the %s one first', async (first) => {
    const world = await createWorld()
    const { call, owner } = world
    const tail = await openTail(world)
    const { newEmail, oldToken, newToken } = await beginChange(world)
    const [one, other] = first === 'old' ? [oldToken, newToken] : [newToken, oldToken]
    expect(await (await confirm(one)).json()).toMatchObject({ changed: false })
    expect(await emailOf(world)).toBe(owner.email)
    expect(await (await call('/api/v1/auth/me', { as: owner.accessToken })).json()).toMatchObject({
      email: owner.email,
      email_change: { new_email: newEmail, old_confirmed: first === 'old', new_confirmed: first === 'new' },
    })
    expect(await (await confirm(other)).json()).toMatchObject({ changed: true })
    expect(await emailOf(world)).toBe(newEmail)

    expect((await tail.closed).code).toBe(4003)
    expect((await call('/api/v1/auth/me', { as: owner.accessToken })).status).toBe(401)
    expect((await call('/api/v1/auth/refresh', { json: { refresh_token: owner.refreshToken } })).status).toBe(401)
    const login = (email: string) => call('/api/v1/auth/login', { json: { email, password: owner.password } })
    expect((await login(owner.email)).status).toBe(401)
    const again = await (await login(newEmail)).json<{ access_token: string }>()
    expect(await (await call('/api/v1/auth/me', { as: again.access_token })).json()).toMatchObject({
      email: newEmail,
      email_verified: true,
      email_change: null,
    })
    expect(await mailsTo(owner.email, 'email_changed')).toEqual([{ new_email: newEmail }])
    const entries = (await accountEntriesOf(owner.userId)).filter(({ action }) => action.startsWith('user.'))
    expect(entries.map(({ action, details, changes }) => [action, details, changes])).toEqual([
      ['user.create', {}, null],
      ['user.change_email', { new_email: newEmail }, null],
      ['user.confirm_email_change', { address: first }, null],
      ['user.confirm_email_change', { address: first === 'old' ? 'new' : 'old' }, null],
      ['user.email_changed', {}, { email: { before: owner.email, after: newEmail } }],
    ])
    expect(JSON.stringify(entries)).not.toContain(oldToken)
  })

  it('takes each token once, and of 20 at once one', async () => {
    const world = await createWorld()
    const { oldToken, newToken, newEmail } = await beginChange(world)
    const times = Array.from({ length: 20 })
    const first = await Promise.all(times.map(() => confirm(oldToken)))
    expect(first.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, ...Array<number>(19).fill(400)])
    expect(await problemOf(await confirm(oldToken))).toMatchObject({ status: 400, code: 'invalid_one_time_token' })
    const second = await Promise.all(times.map(() => confirm(newToken)))
    expect(second.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, ...Array<number>(19).fill(400)])
    expect((await confirm(newToken)).status).toBe(400)
    expect(await emailOf(world)).toBe(newEmail)
    expect(await mailsTo(world.owner.email, 'email_changed')).toHaveLength(1)
    expect((await accountEntriesOf(world.owner.userId)).filter(({ action }) => action === 'user.email_changed')).toHaveLength(1)
  })

  it('changes the e-mail once when both tokens come at the same time', async () => {
    const world = await createWorld()
    const { oldToken, newToken, newEmail } = await beginChange(world)
    const answers = await Promise.all([confirm(oldToken), confirm(newToken)])
    const changed = await Promise.all(answers.map(async (answer) => (await answer.json<{ changed: boolean }>()).changed))
    expect(changed.filter(Boolean)).toEqual([true])
    expect(await emailOf(world)).toBe(newEmail)
  })

  it('is answered alike for an e-mail that somebody has, who gets no mail', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    const [known, unknown] = [await begin(world, other.owner.email), await begin(world, freshEmail())]
    expect([known.status, unknown.status]).toEqual([202, 202])
    const shapes = await Promise.all([known, unknown].map(async (answer) => answer.json<Record<string, string>>()))
    expect(shapes[0]?.['detail']).toBe(shapes[1]?.['detail'])
    expect(shapes.map((shape) => Object.keys(shape))).toEqual([Object.keys(shapes[0] ?? {}), Object.keys(shapes[0] ?? {})])
    expect(await mailsTo(other.owner.email, 'change_email_new')).toEqual([])
  })

  it('gives way to somebody who took the new e-mail meanwhile, and is over then', async () => {
    const world = await createWorld()
    const { newEmail, oldToken, newToken } = await beginChange(world)
    expect((await confirm(oldToken)).status).toBe(200)
    const other = await createWorld()
    await testCtx().db.update(users).set({ email: newEmail }).where(eq(users.id, other.owner.userId))
    expect(await problemOf(await confirm(newToken))).toMatchObject({ status: 409, code: 'conflict' })
    expect(await problemOf(await confirm(newToken))).toMatchObject({ status: 400, code: 'invalid_one_time_token' })
    expect([await emailOf(world), await emailOf(other)]).toEqual([world.owner.email, newEmail])
    expect((await world.call('/api/v1/auth/me', { as: world.owner.accessToken })).status).toBe(200)
    expect(await mailsTo(world.owner.email, 'email_changed')).toEqual([])
  })

  it('goes to one of two people who confirm the same new e-mail at once', async () => {
    const worlds = [await createWorld(), await createWorld()]
    const newEmail = freshEmail()
    const changes = []
    for (const world of worlds) changes.push(await beginChange(world, newEmail))
    for (const { oldToken } of changes) expect((await confirm(oldToken)).status).toBe(200)
    const statuses = (await Promise.all(changes.map(({ newToken }) => confirm(newToken)))).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 409])
    const emails = await Promise.all(worlds.map(emailOf))
    expect(emails.filter((email) => email === newEmail)).toHaveLength(1)
  })

  it('is replaced by the next one, whose tokens alone count', async () => {
    const world = await createWorld()
    const before = await beginChange(world)
    const after = await beginChange(world)
    for (const token of [before.oldToken, before.newToken]) expect((await confirm(token)).status).toBe(400)
    for (const token of [after.oldToken, after.newToken]) expect((await confirm(token)).status).toBe(200)
    expect(await emailOf(world)).toBe(after.newEmail)
  })

  it('expires, even between the two confirmations', async () => {
    const world = await createWorld()
    const { oldToken, newToken } = await beginChange(world)
    expect((await confirm(oldToken)).status).toBe(200)
    const late = { ...testCtx(), now: () => Date.now() + changeEmailTtlMs }
    await expect(confirmChangeEmail(late, newToken)).rejects.toMatchObject({ code: 'invalid_one_time_token' })
    expect(await emailOf(world)).toBe(world.owner.email)
  })

  it('ends tokens in mails to the old address', async () => {
    const world = await createWorld()
    const ctx = testCtx()
    await newOneTimeToken(ctx, 'reset_password', world.owner.userId, 60_000).statement
    const { oldToken, newToken } = await beginChange(world)
    await confirm(oldToken)
    const unused = async () =>
      (await ctx.db.select().from(oneTimeTokens).where(eq(oneTimeTokens.userId, world.owner.userId))).map(({ usedAt }) => usedAt === null)
    expect(await unused()).toEqual([true])
    await confirm(newToken)
    expect(await unused()).toEqual([false])
  })

  it('is worth nothing to a user who was deleted meanwhile', async () => {
    const world = await createWorld()
    const { oldToken } = await beginChange(world)
    await testCtx().db.update(users).set({ deletedAt: 1 }).where(eq(users.id, world.owner.userId))
    expect((await confirm(oldToken)).status).toBe(400)
  })
})

describe('beginning a change of e-mail', () => {
  it('needs the password proved of late', async () => {
    const world = await createWorld()
    await testCtx().db.update(sessions).set({ passwordProvedAt: 0 }).where(eq(sessions.userId, world.owner.userId))
    expect(await problemOf(await begin(world, freshEmail()))).toMatchObject({ status: 403, code: 'reauthentication_required' })
    expect(await testCtx().db.select().from(emailChanges).where(eq(emailChanges.userId, world.owner.userId))).toEqual([])
  })

  it('refuses the present address, in any case, and addresses that are none', async () => {
    const world = await createWorld()
    expect(await problemOf(await begin(world, ` ${world.owner.email.toUpperCase()} `))).toMatchObject({
      status: 422,
      code: 'unprocessable',
    })
    for (const email of ['', 'x', 'a@b', 'a@example.com\r\nBcc: b@example.com', 'аdmin@example.com', `a@${'x'.repeat(260)}.com`])
      expect(await problemOf(await begin(world, email))).toMatchObject({ status: 400, code: 'validation_failed' })
  })

  it('stops a person after five an hour', async () => {
    const world = await createWorld()
    for (let i = 0; i < emailChangesPerUserMax; i += 1) expect((await begin(world, freshEmail())).status).toBe(202)
    const refused = await begin(world, freshEmail())
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0)
    expect(await problemOf(refused)).toMatchObject({ status: 429, details: { email_changes_per_user: ['at most 5 in 60 minutes'] } })
  })
})

describe('confirming an address', () => {
  it.each(['', 'x', 'A'.repeat(43), `${'A'.repeat(42)}=`, 'x'.repeat(4000), 7, null])('refuses the token %j', async (token) => {
    const { status, code } = await problemOf(await callFrom(randomAddress(), `${path}/confirm`, { json: { token } }))
    expect([status, code]).toEqual([400, token === 'A'.repeat(43) ? 'invalid_one_time_token' : 'validation_failed'])
  })

  it('takes no token of another kind', async () => {
    const world = await createWorld()
    const token = newOneTimeToken(testCtx(), 'reset_password', world.owner.userId, 60_000)
    await token.statement
    expect((await confirm(token.token)).status).toBe(400)
    const { oldToken } = await beginChange(world)
    const response = await callFrom(randomAddress(), '/api/v1/auth/password-reset/confirm', {
      json: { token: oldToken, password: 'some other battery staple' },
    })
    expect(response.status).toBe(400)
  })
})
