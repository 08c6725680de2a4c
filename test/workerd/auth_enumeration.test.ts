import { env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import type { BaseCtx } from '../../src/db/context.ts'
import { users } from '../../src/db/schema.ts'
import { mails } from '../../src/db/schema_content.ts'
import { createMember } from '../../src/features/auth/create_user.ts'
import { login } from '../../src/features/auth/login.ts'
import { hashPassword, noPassword } from '../../src/features/auth/password.ts'
import { requestPasswordReset } from '../../src/features/auth/password_reset.ts'
import { preRegister } from '../../src/features/auth/pre_register.ts'
import { register } from '../../src/features/auth/register.ts'
import { resendVerifyEmail } from '../../src/features/auth/verify_email_resend.ts'
import { counted } from '../support/counted.ts'
import { mailsTo } from '../support/mails.ts'
import { callFrom, createWorld, randomAddress, testCtx } from '../support/world.ts'

/*
 * Who is known here must not be told by answers, nor by the work behind them: key derivations, D1 statements and round trips and
 * messages are counted. `npm run bench -- --only enumeration` measures the time.
 */

const password = 'correct horse battery'
const verified = { verifiedEmailRequired: true }

const unknown = () => `nobody-${crypto.randomUUID()}@example.com`

/** E-mails that are known in every way there is, each with the password above unless its name says otherwise. */
async function knownEmails() {
  const world = await createWorld()
  const { db } = testCtx()
  const add = async (kind: string, passwordHash: string, more: Partial<typeof users.$inferInsert> = {}) => {
    const email = `${kind}-${crypto.randomUUID()}@example.com`
    const { userId } = await createMember(testCtx(), world, { email, name: kind, passwordHash, role: 'member' })
    if (Object.keys(more).length > 0) await db.update(users).set(more).where(eq(users.id, userId))
    return email
  }
  const hash = await hashPassword(password)
  return {
    verified: await add('verified', hash, { emailVerifiedAt: 1 }),
    unverified: await add('unverified', hash),
    deleted: await add('deleted', hash, { deletedAt: Date.now() }),
    'without a password': await add('invited', noPassword),
  }
}

/** What differs between a known e-mail of each kind and an unknown one. */
async function differences(
  work: (email: string) => (ctx: BaseCtx) => Promise<unknown>,
  change: (ctx: BaseCtx) => Partial<BaseCtx> = () => ({}),
) {
  const wanted = await counted(work(unknown()), change(testCtx()))
  const found: [string, unknown][] = []
  for (const [kind, email] of Object.entries(await knownEmails())) {
    const got = await counted(work(email), change(testCtx()))
    if (JSON.stringify(got) !== JSON.stringify(wanted)) found.push([kind, { wanted, got }])
  }
  return { wanted, found }
}

describe('an e-mail that is known and one that is not', () => {
  it('cost the same at a login with a wrong password', async () => {
    const { wanted, found } = await differences((email) => (ctx) => login(ctx, { email, password: 'wrong', userAgent: 'x' }))
    expect(wanted).toMatchObject({ outcome: 'invalid_credentials', scryptRuns: 1 })
    expect(found).toEqual([])
  })

  it('cost the same when a new password is asked for', async () => {
    const { wanted, found } = await differences((email) => (ctx) => requestPasswordReset(ctx, email))
    expect(wanted).toMatchObject({ outcome: 'done', scryptRuns: 0 })
    expect(found).toEqual([])
  })

  it('cost the same when another mail to confirm is asked for', async () => {
    const { wanted, found } = await differences((email) => (ctx) => resendVerifyEmail(ctx, email))
    expect(wanted).toMatchObject({ outcome: 'done', scryptRuns: 0 })
    expect(found).toEqual([])
  })

  it('cost the same at a registration', async () => {
    const { wanted, found } = await differences((email) => (ctx) => register(ctx, { email, password: 'another good password' }))
    expect(wanted).toMatchObject({ outcome: 'done', scryptRuns: 1 })
    expect(found).toEqual([])
  })

  it('cost the same when they are left for the launch, the first time and the second', async () => {
    const email = unknown()
    const first = await counted((ctx) => preRegister(ctx, email))
    expect(await counted((ctx) => preRegister(ctx, email))).toEqual(first)
    const { results } = await env.DB.prepare('select created_at from pre_registrations where email = ?').bind(email).all()
    expect(results).toHaveLength(1)
  })

  it.each(['/api/v1/auth/password-reset', '/api/v1/auth/verify-email/resend', '/api/v1/auth/pre-register'])(
    'get the same answers from %s, 429 as well',
    async (path) => {
      const emails = [(await knownEmails()).verified, unknown()]
      const answers = await Promise.all(
        emails.map(async (email) => {
          const texts: string[] = []
          for (let i = 0; i < 5; i++) {
            const response = await callFrom(randomAddress(), path, { json: { email } })
            const text = (await response.text())
              .replaceAll(email, 'E')
              .replaceAll(/\d+ s\b/g, 'N s')
              .replace(/"request_id":"[^"]+"/, '')
            texts.push(`${response.status} ${text} ${[...response.headers.keys()].toSorted().join()}`)
          }
          return texts
        }),
      )
      expect(answers[0]).toEqual(answers[1])
      expect(answers[0]?.map((text) => text.slice(0, 3))).toEqual(expect.arrayContaining(['429']))
    },
  )
})

describe('where the e-mail must be confirmed before the first login', () => {
  const inProduction = (ctx: BaseCtx): Partial<BaseCtx> => ({ config: { ...ctx.config, ...verified } })
  const enter =
    (email: string, typed = password) =>
    (ctx: BaseCtx) =>
      login(ctx, { email, password: typed, userAgent: 'x' })

  it('the right password of an unconfirmed one is answered as a wrong one, before a mail to confirm goes out behind it', async () => {
    const { unverified } = await knownEmails()
    const answers = []
    for (const typed of [password, 'wrong']) {
      const response = await login(
        { ...testCtx(), ...inProduction(testCtx()) },
        { email: unverified, password: typed, userAgent: 'x' },
      ).catch((error: unknown) => error)
      answers.push(response)
    }
    expect(answers[0]).toMatchObject({ code: 'invalid_credentials', detail: expect.stringContaining('not confirmed') as string })
    expect({ ...(answers[1] as object) }).toEqual({ ...(answers[0] as object) })
  })

  it('such a login counts as a failed one as well, and sends no more mails than may be asked for', async () => {
    const { unverified } = await knownEmails()
    const outcomes = []
    for (let i = 0; i < 6; i++) outcomes.push((await counted(enter(unverified), inProduction(testCtx()))).outcome)
    expect(outcomes).toEqual([...Array.from({ length: 5 }, () => 'invalid_credentials'), 'rate_limited'])
    expect(await mailsTo(unverified, 'verify_email')).toHaveLength(3)
  })

  it('a confirmed one logs in, and an unconfirmed one does where that is not asked for', async () => {
    const { verified: confirmed, unverified } = await knownEmails()
    expect((await counted(enter(confirmed), inProduction(testCtx()))).outcome).toBe('done')
    const lax = (ctx: BaseCtx): Partial<BaseCtx> => ({ config: { ...ctx.config, verifiedEmailRequired: false } })
    expect((await counted(enter(unverified), lax(testCtx()))).outcome).toBe('done')
    expect(await testCtx().db.select().from(mails).where(eq(mails.recipient, unverified))).toEqual([])
  })
})

describe('e-mails that look like others', () => {
  const email = `ann-k-${crypto.randomUUID()}@example.com`

  it.each([
    ['a Cyrillic letter', email.replace('a', '\u0430')],
    ['the Kelvin sign, which lower-cases to k', email.replace('k', '\u212a')],
    ['full-width letters', email.replace('ann', '\uff41\uff4e\uff4e')],
    ['a dotless i in the domain', 'ann@w\u0131de.example.com'],
    ['a full stop of another script', 'ann@example\u3002com'],
    ['a zero-width space', email.replace('@', '\u200b@')],
    ['a soft hyphen', email.replace('@', '\u00ad@')],
    ['a no-break space in front', `\u00a0${email}`],
  ])('are refused when they have %s', async (_, lookalike) => {
    for (const path of ['register', 'login', 'password-reset', 'pre-register']) {
      const json = { email: lookalike, ...(['register', 'login'].includes(path) && { password }) }
      const response = await callFrom(randomAddress(), `/api/v1/auth/${path}`, { json })
      expect([path, response.status]).toEqual([path, 400])
      expect((await response.json<{ details: object }>()).details).toHaveProperty('email')
    }
  })
})
