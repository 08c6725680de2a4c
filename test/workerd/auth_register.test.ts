import { env } from 'cloudflare:test'
import { and, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { registrationsPerAddressMax, registrationsPerEmailMax } from '../../src/core/limits.ts'
import type { BaseCtx } from '../../src/db/context.ts'
import { accounts, memberships, organizations, users } from '../../src/db/schema.ts'
import { auditLog } from '../../src/db/schema_audit.ts'
import { verifyPassword } from '../../src/features/auth/password.ts'
import { takePlaceQuietly } from '../../src/features/auth/throttle.ts'
import { problemOf } from '../support/app.ts'
import { atRealPasswordCost } from '../support/password_cost.ts'
import { callFrom, createWorld, randomAddress, testCtx } from '../support/world.ts'

const path = '/api/v1/auth/register'
const password = 'correct horse battery'

function newEmail(): string {
  return `ann-${crypto.randomUUID()}@example.com`
}

async function userOf(email: string) {
  const [user] = await testCtx().db.select().from(users).where(eq(users.email, email))
  return user
}

const takeRegistration = (ctx: BaseCtx, subject: string) => takePlaceQuietly(ctx, { kind: 'register', subject })

describe('registering', () => {
  it('makes a user, an account, an organization and its owner, with an audit entry', async () => {
    const email = newEmail()
    const json = { email: ` ${email.toUpperCase()} `, password, name: 'Ann', organization_name: 'Acme' }
    const response = await atRealPasswordCost(() => callFrom(randomAddress(), path, { json }))
    expect(response.status).toBe(201)
    const user = await userOf(email)
    expect(user).toMatchObject({ name: 'Ann', tokenVersion: 0, deletedAt: null })
    expect(user?.passwordHash).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$/)
    expect(await verifyPassword(password, user?.passwordHash)).toBe(true)
    const { db } = testCtx()
    const organizationId = user?.defaultOrganizationId ?? ''
    expect(await db.select().from(organizations).where(eq(organizations.id, organizationId))).toMatchObject([
      { name: 'Acme', accountId: user?.accountId },
    ])
    expect(
      await db
        .select()
        .from(accounts)
        .where(eq(accounts.id, user?.accountId ?? '')),
    ).toHaveLength(1)
    const own = and(eq(memberships.organizationId, organizationId), eq(memberships.userId, user?.id ?? ''))
    expect(await db.select().from(memberships).where(own)).toMatchObject([{ role: 'owner' }])
    expect(await db.select().from(auditLog).where(eq(auditLog.organizationId, organizationId))).toMatchObject([
      { action: 'organization.create', actorKind: 'user', actorId: user?.id, details: {} },
    ])
  })

  it('lets the new user log in', async () => {
    const [email, address] = [newEmail(), randomAddress()]
    await callFrom(address, path, { json: { email, password } })
    const response = await callFrom(address, '/api/v1/auth/login', { json: { email, password } })
    expect(response.status).toBe(200)
  })

  it('answers the same for a known e-mail and changes nothing of its owner', async () => {
    const email = newEmail()
    const first = await callFrom(randomAddress(), path, { json: { email, password, name: 'Ann' } })
    const before = await userOf(email)
    const second = await callFrom(randomAddress(), path, { json: { email, password: 'another password', name: 'Mallory' } })
    expect(second.status).toBe(first.status)
    expect(await second.text()).toBe(await first.text())
    const names = (response: Response) => [...response.headers.keys()].toSorted()
    expect(names(second)).toEqual(names(first))
    expect(await userOf(email)).toEqual(before)
  })

  it('takes an e-mail in punycode, whatever it looks like, for a mailbox of its own', async () => {
    const email = newEmail()
    await callFrom(randomAddress(), path, { json: { email, password, name: 'Ann' } })
    const before = await userOf(email)
    // What mail programs show as example.com with a Cyrillic letter.
    const lookalike = email.replace('example.com', new URL('https://ex\u0430mple.com').hostname)
    expect((await callFrom(randomAddress(), path, { json: { email: lookalike, password, name: 'Mallory' } })).status).toBe(201)
    const made = await userOf(lookalike)
    expect(made).toMatchObject({ name: 'Mallory' })
    expect(made?.accountId).not.toBe(before?.accountId)
    expect(await userOf(email)).toEqual(before)
  })

  it('makes one user and nothing else when it races with itself', async () => {
    const email = newEmail()
    const name = `Race ${email}`
    const json = { email, password, organization_name: name.slice(0, 90) }
    const answers = await Promise.all(Array.from({ length: 4 }, () => callFrom(randomAddress(), path, { json })))
    expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201, 201])
    const { db } = testCtx()
    expect(await db.select().from(users).where(eq(users.email, email))).toHaveLength(1)
    expect(await db.select().from(organizations).where(eq(organizations.name, json.organization_name))).toHaveLength(1)
    expect(await db.select().from(accounts).where(eq(accounts.name, json.organization_name))).toHaveLength(1)
  })

  it('takes a form as well', async () => {
    const email = newEmail()
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
    const response = await callFrom(randomAddress(), path, { body: new URLSearchParams({ email, password }).toString(), headers })
    expect(response.status).toBe(201)
    expect(await userOf(email)).toBeDefined()
  })

  it('names an organization even when the e-mail is as long as it can be', async () => {
    const email = `${'a'.repeat(64)}@${newEmail().split('@')[0]}.example.com`
    const response = await callFrom(randomAddress(), path, { json: { email, password } })
    expect(response.status).toBe(201)
    expect((await userOf(email))?.name).toBe('a'.repeat(64))
  })

  it.each([
    [{ password }, 'email'],
    [{ email: 'no mail', password }, 'email'],
    [{ email: 'a@example.com\r\nBcc: b@example.com', password }, 'email'],
    [{ email: 'a@example.com', password: 'short' }, 'password'],
    [{ email: 'a@example.com', password: 'Password123' }, 'password'],
    [{ email: 'annabella@example.com', password: 'Annabella@example.com' }, 'password'],
    [{ email: 'a@example.com', password: 'Theodora1999', name: 'Theodora' }, 'password'],
    [{ email: 'a@example.com', password: 'acme-rockets', organization_name: 'Acme Rockets' }, 'password'],
    [{ email: 'a@example.com', password, name: 'An\0n' }, 'name'],
    [{ email: 'a@example.com', password, role: 'owner' }, 'role'],
    [{ email: 'a@example.com', password, organization_id: crypto.randomUUID() }, 'organization_id'],
    [{ email: ['a@example.com'], password }, 'email'],
  ])('refuses %j and names the field %s', async (json, field) => {
    const problem = await problemOf(await callFrom(randomAddress(), path, { json }))
    expect(problem).toMatchObject({ status: 400, code: 'validation_failed' })
    expect(Object.keys(problem.details ?? {})).toEqual([field])
  })

  it('is refused with 429 after 20 in an hour from one address, and logins are not', async () => {
    const world = await createWorld()
    const ctx = { ...testCtx(), clientAddress: world.address }
    for (let i = 0; i < registrationsPerAddressMax; i++) expect(await takeRegistration(ctx, newEmail())).toBe(true)
    const email = newEmail()
    const response = await callFrom(world.address, path, { json: { email, password } })
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(3500)
    expect(await problemOf(response)).toMatchObject({ status: 429, code: 'rate_limited' })
    expect(await userOf(email)).toBeUndefined()
    const json = { email: world.owner.email, password: world.owner.password }
    expect((await callFrom(world.address, '/api/v1/auth/login', { json })).status).toBe(200)
  })

  it('answers a fourth time with one e-mail as before, and makes nothing', async () => {
    const email = newEmail()
    for (let i = 0; i < registrationsPerEmailMax; i++) expect(await takeRegistration(testCtx(), email)).toBe(true)
    const response = await callFrom(randomAddress(), path, { json: { email, password } })
    expect([response.status, (await response.json<{ email: string }>()).email]).toEqual([201, email])
    expect(await userOf(email)).toBeUndefined()
  })

  it('lets no more through than the limit when they race', async () => {
    const email = newEmail()
    const passed = await Promise.all(Array.from({ length: 8 }, () => takeRegistration(testCtx(), email)))
    expect(passed.filter(Boolean)).toHaveLength(registrationsPerEmailMax)
  })

  it('does not bring a deleted user back', async () => {
    const world = await createWorld()
    await env.DB.prepare('update users set deleted_at = 1 where id = ?').bind(world.owner.userId).run()
    const response = await callFrom(randomAddress(), path, { json: { email: world.owner.email, password } })
    expect(response.status).toBe(201)
    expect(await userOf(world.owner.email)).toMatchObject({ id: world.owner.userId, deletedAt: 1 })
  })
})
