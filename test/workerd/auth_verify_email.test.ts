import { env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { askedMailsPerEmailMax, verifyEmailTtlMs } from '../../src/core/limits.ts'
import { users } from '../../src/db/schema.ts'
import { accountAuditLog } from '../../src/db/schema_audit.ts'
import { verifyEmail } from '../../src/features/auth/verify_email.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { mailsAbout } from '../support/tenancy.ts'
import { callFrom, randomAddress, testCtx } from '../support/world.ts'

const path = '/api/v1/auth/verify-email'
const password = 'correct horse battery'

const verify = (token: string) => callFrom(randomAddress(), path, { json: { token } })
const resend = (email: string) => callFrom(randomAddress(), `${path}/resend`, { json: { email } })

/** Registers somebody; answers the e-mail and the token of the first mail. */
async function newcomer(): Promise<{ email: string; token: string }> {
  const email = `ann-${crypto.randomUUID()}@example.com`
  const response = await callFrom(randomAddress(), '/api/v1/auth/register', { json: { email, password } })
  if (response.status !== 201) throw new Error(`not registered: ${response.status} ${await response.text()}`)
  return { email, token: (await mailsTo(email, 'welcome'))[0]?.token ?? '' }
}

async function userOf(email: string) {
  const [row] = await testCtx().db.select().from(users).where(eq(users.email, email))
  if (!row) throw new Error('no such user')
  return row
}

describe('confirming an e-mail', () => {
  it('is done by the token of the first mail, once, with an audit entry', async () => {
    const { email, token } = await newcomer()
    expect((await userOf(email)).emailVerifiedAt).toBeNull()
    expect((await verify(token)).status).toBe(204)
    const { emailVerifiedAt, accountId, id } = await userOf(email)
    expect(emailVerifiedAt).toBeGreaterThan(Date.now() - 60_000)
    expect(await problemOf(await verify(token))).toMatchObject({ status: 400, code: 'invalid_one_time_token' })
    expect((await userOf(email)).emailVerifiedAt).toBe(emailVerifiedAt)
    const rows = await testCtx().db.select().from(accountAuditLog).where(eq(accountAuditLog.accountId, accountId))
    expect(rows.filter(({ action }) => action === 'email.verify')).toMatchObject([{ actorId: id, targetId: id }])
  })

  it('takes effect for one of twenty at once', async () => {
    const { email, token } = await newcomer()
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await verify(token)).status))
    expect(statuses.filter((status) => status === 204)).toHaveLength(1)
    expect(statuses.filter((status) => status === 400)).toHaveLength(19)
    const { accountId } = await userOf(email)
    const rows = await testCtx().db.select().from(accountAuditLog).where(eq(accountAuditLog.accountId, accountId))
    expect(rows.filter(({ action }) => action === 'email.verify')).toHaveLength(1)
  })

  it('is good for 24 hours and no longer', async () => {
    const { email, token } = await newcomer()
    const at = (ms: number) => ({ ...testCtx(), now: () => Date.now() + ms })
    await expect(verifyEmail(at(verifyEmailTtlMs + 1), token)).rejects.toMatchObject({ code: 'invalid_one_time_token' })
    await verifyEmail(at(verifyEmailTtlMs - 60_000), token)
    expect((await userOf(email)).emailVerifiedAt).not.toBeNull()
  })

  it('works by any of the mails, and ends the others', async () => {
    const { email, token } = await newcomer()
    expect((await resend(email)).status).toBe(202)
    expect(await mailsAbout((await userOf(email)).id)).toEqual([`verify_email to ${email}`, `welcome to ${email}`])
    const second = (await mailsTo(email, 'verify_email'))[0]?.token ?? ''
    expect((await verify(second)).status).toBe(204)
    expect((await verify(token)).status).toBe(400)
  })

  it.each(['A'.repeat(43), 'short', '', `${'A'.repeat(43)}'`, null])('refuses %j as a token', async (token) => {
    const response = await callFrom(randomAddress(), path, { json: { token } })
    expect(response.status).toBe(400)
  })

  it('does nothing for a user who is deleted', async () => {
    const { email, token } = await newcomer()
    await env.DB.prepare('update users set deleted_at = 1 where email = ?').bind(email).run()
    expect((await verify(token)).status).toBe(400)
    expect((await userOf(email)).emailVerifiedAt).toBeNull()
  })
})

describe('asking for another mail to confirm', () => {
  it('sends three an hour and no more, 429 after that', async () => {
    const { email } = await newcomer()
    for (let i = 0; i < askedMailsPerEmailMax; i++) expect((await resend(email)).status).toBe(202)
    expect((await resend(email)).status).toBe(429)
    expect(await mailsTo(email, 'verify_email')).toHaveLength(askedMailsPerEmailMax)
  })

  it('sends none for an e-mail that is confirmed', async () => {
    const { email, token } = await newcomer()
    await verify(token)
    expect((await resend(email)).status).toBe(202)
    expect(await mailsTo(email, 'verify_email')).toEqual([])
  })
})

describe('leaving an e-mail for the launch', () => {
  const leave = (email: string) => callFrom(randomAddress(), '/api/v1/auth/pre-register', { json: { email } })

  it('keeps it once, in the form that users have, and answers alike', async () => {
    const email = `ann-${crypto.randomUUID()}@example.com`
    const answers = []
    for (const typed of [email, ` ${email.toUpperCase()} `]) answers.push(await leave(typed))
    expect(answers.map(({ status }) => status)).toEqual([201, 201])
    expect(await answers[1]?.json()).toEqual(await answers[0]?.json())
    const { results } = await env.DB.prepare('select email from pre_registrations where email = ?').bind(email).all()
    expect(results).toEqual([{ email }])
  })

  it('is kept once when twenty come at once', async () => {
    const email = `ann-${crypto.randomUUID()}@example.com`
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await leave(email)).status))
    expect(statuses.filter((status) => status === 201)).toHaveLength(3)
    expect(statuses.filter((status) => status === 429)).toHaveLength(17)
    const { results } = await env.DB.prepare('select email from pre_registrations where email = ?').bind(email).all()
    expect(results).toHaveLength(1)
  })
})
