import { and, eq, isNull } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import type { AccountRole, Role } from '../../src/core/permissions.ts'
import { accountMemberships, accounts, apiKeys, memberships, organizations, sessions, users } from '../../src/db/schema.ts'
import { auditLog } from '../../src/db/schema_audit.ts'
import { emailChanges, invitations, oneTimeTokens } from '../../src/db/schema_identity.ts'
import { newOneTimeToken } from '../../src/db/one_time_tokens.ts'
import { accountEntriesOf } from '../support/account_entries.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { getTicket, openTail } from '../support/tail.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { Person, World } from '../support/world.ts'

const path = '/api/v1/auth/me'
const { db } = testCtx()

const leave = ({ call }: World, { accessToken }: Person) => call(path, { method: 'DELETE', as: accessToken })
const userOf = async ({ userId }: Person) => (await db.select().from(users).where(eq(users.id, userId)))[0]
const organizationOf = async ({ organizationId }: World) =>
  (await db.select().from(organizations).where(eq(organizations.id, organizationId)))[0]
const accountOf = async ({ accountId }: World) => (await db.select().from(accounts).where(eq(accounts.id, accountId)))[0]
const joinAccount = (accountId: string, { userId }: Person, role: AccountRole) =>
  db.insert(accountMemberships).values({ userId, accountId, role, createdAt: 1 })
const setRole = ({ organizationId }: World, { userId }: Person, role: Role) =>
  db
    .update(memberships)
    .set({ role })
    .where(and(eq(memberships.userId, userId), eq(memberships.organizationId, organizationId)))

describe('deleting oneself', () => {
  it('ends all sessions and tokens at once, tells by mail, and stands in the account’s log', async () => {
    const world = await createWorld()
    const member = await world.addMember('member')
    await newOneTimeToken(testCtx(), 'reset_password', member.userId, 60_000).statement
    await world.call('/api/v1/auth/change-email', { as: member.accessToken, json: { new_email: `x-${member.email}` } })
    const tail = await openTail(world, { ticket: await getTicket(world, member.accessToken) })
    const left = await leave(world, member)
    expect(left.status).toBe(204)
    expect(left.headers.getSetCookie().map((cookie) => cookie.split(';', 2).join(';'))).toEqual([
      '__Host-edgelog_access=; Max-Age=0',
      '__Secure-edgelog_refresh=; Max-Age=0',
    ])
    expect((await tail.closed).code).toBe(4003)
    expect(await problemOf(await world.call(path, { as: member.accessToken }))).toMatchObject({ status: 401, code: 'invalid_token' })
    expect((await world.call('/api/v1/auth/refresh', { json: { refresh_token: member.refreshToken } })).status).toBe(401)
    expect((await world.call('/api/v1/auth/login', { json: { email: member.email, password: member.password } })).status).toBe(401)
    expect(await userOf(member)).toMatchObject({ tokenVersion: 1, deletedAt: expect.any(Number) as number, email: member.email })
    expect(await mailsTo(member.email, 'user_deleted')).toEqual([{ purge_at_ms: expect.any(Number) as number }])
    expect((await accountEntriesOf(member.userId)).filter(({ action }) => action === 'user.delete')).toMatchObject([
      { actorId: member.userId, accountId: world.accountId, sessionId: expect.any(String) as string },
    ])
    expect(
      await db
        .select()
        .from(oneTimeTokens)
        .where(and(eq(oneTimeTokens.userId, member.userId), isNull(oneTimeTokens.usedAt))),
    ).toEqual([])
    expect(await db.select().from(emailChanges).where(eq(emailChanges.userId, member.userId))).toEqual([])
    expect((await world.call(path, { as: world.owner.accessToken })).status).toBe(200)
  })

  it('needs the password proved of late', async () => {
    const world = await createWorld()
    await db.update(sessions).set({ passwordProvedAt: 0 }).where(eq(sessions.userId, world.owner.userId))
    expect(await problemOf(await leave(world, world.owner))).toMatchObject({ status: 403, code: 'reauthentication_required' })
    expect((await userOf(world.owner))?.deletedAt).toBeNull()
  })

  it('takes the organization and the account along that nobody else is in', async () => {
    const world = await createWorld()
    const { key } = await world.createKey('query')
    expect((await leave(world, world.owner)).status).toBe(204)
    const [user, organization, account] = [await userOf(world.owner), await organizationOf(world), await accountOf(world)]
    expect(user?.deletedAt).toEqual(expect.any(Number))
    expect([organization?.deletedAt, account?.deletedAt]).toEqual([user?.deletedAt, user?.deletedAt])
    expect((await world.call('/api/v1/logs', { as: key })).status).toBe(401)
    const entries = await db
      .select()
      .from(auditLog)
      .where(and(eq(auditLog.organizationId, world.organizationId), eq(auditLog.action, 'organization.delete')))
    expect(entries).toMatchObject([{ actorId: world.owner.userId, details: { with_user: world.owner.userId } }])
    expect((await accountEntriesOf(world.accountId)).map(({ action }) => action)).toEqual(['account.delete'])
  })

  it('is refused to the last owner of an organization that others are in, and nothing changes', async () => {
    const world = await createWorld()
    await world.addMember('admin')
    const refused = await problemOf(await leave(world, world.owner))
    expect(refused).toMatchObject({ status: 409, code: 'last_owner', detail: expect.stringContaining('Test') as string })
    expect([(await userOf(world.owner))?.deletedAt, (await organizationOf(world))?.deletedAt]).toEqual([null, null])
    expect(await mailsTo(world.owner.email, 'user_deleted')).toEqual([])
    expect((await accountEntriesOf(world.owner.userId)).filter(({ action }) => action === 'user.delete')).toEqual([])
    expect((await world.call(path, { as: world.owner.accessToken })).status).toBe(200)
  })

  it('is refused to the last owner of an account that has other users, though the organization has another owner', async () => {
    const world = await createWorld()
    const other = await world.addMember('owner')
    expect(await problemOf(await leave(world, world.owner))).toMatchObject({
      code: 'last_owner',
      detail: expect.stringContaining('the account Test') as string,
    })
    await joinAccount(world.accountId, other, 'admin')
    expect((await leave(world, world.owner)).status).toBe(409)
    await db.update(accountMemberships).set({ role: 'owner' }).where(eq(accountMemberships.userId, other.userId))
    expect((await leave(world, world.owner)).status).toBe(204)
    expect([(await organizationOf(world))?.deletedAt, (await accountOf(world))?.deletedAt]).toEqual([null, null])
  })

  it('is refused to the last owner of an account whose organization has members from elsewhere', async () => {
    const [world, away] = [await createWorld(), await createWorld()]
    const { userId } = away.owner
    await db.insert(memberships).values({ userId, organizationId: world.organizationId, role: 'owner', createdAt: 1 })
    expect(await problemOf(await leave(world, world.owner))).toMatchObject({ code: 'last_owner' })
    expect((await accountOf(world))?.deletedAt).toBeNull()
  })

  it('is refused to the only member of an organization that another account pays for', async () => {
    const [world, away] = [await createWorld(), await createWorld()]
    const { userId } = away.owner
    await db.insert(memberships).values({ userId, organizationId: world.organizationId, role: 'owner', createdAt: 1 })
    await db.delete(memberships).where(eq(memberships.userId, world.owner.userId))
    expect(await problemOf(await leave(away, away.owner))).toMatchObject({ status: 409, code: 'last_owner' })
    expect([(await organizationOf(world))?.deletedAt, (await userOf(away.owner))?.deletedAt]).toEqual([null, null])
    await db.insert(memberships).values({ userId: world.owner.userId, organizationId: world.organizationId, role: 'owner', createdAt: 2 })
    expect((await leave(away, away.owner)).status).toBe(204)
    expect((await organizationOf(world))?.deletedAt).toBeNull()
  })

  it('counts no deleted people as owners or members', async () => {
    const world = await createWorld()
    const other = await world.addMember('owner')
    await db.update(users).set({ deletedAt: 1 }).where(eq(users.id, other.userId))
    expect((await leave(world, world.owner)).status).toBe(204)
    expect((await organizationOf(world))?.deletedAt).toEqual(expect.any(Number))
  })

  it('lets one of two owners go who leave at the same time', async () => {
    const world = await createWorld()
    const other = await world.addMember('owner')
    await joinAccount(world.accountId, other, 'owner')
    // Somebody stays behind, so that one of them must.
    await world.addMember('viewer')
    const statuses = (await Promise.all([leave(world, world.owner), leave(world, other)])).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 409])
    const left = [await userOf(world.owner), await userOf(other)].filter((user) => user?.deletedAt === null)
    expect(left).toHaveLength(1)
    expect((await organizationOf(world))?.deletedAt).toBeNull()
  })

  it('ends invitations that the person sent', async () => {
    const world = await createWorld()
    const admin = await world.addMember('admin')
    const row = {
      organizationId: world.organizationId,
      id: crypto.randomUUID(),
      email: 'new@example.com',
      role: 'member',
      tokenHash: crypto.randomUUID(),
      invitedBy: admin.userId,
      createdAt: 1,
      updatedAt: 1,
      expiresAt: Date.now() + 60_000,
    } as const
    await db.insert(invitations).values(row)
    expect((await leave(world, admin)).status).toBe(204)
    const [after] = await db.select().from(invitations).where(eq(invitations.id, row.id))
    expect(after?.revokedAt).toEqual(expect.any(Number))
  })

  it('leaves keys that the person made to the organization', async () => {
    const world = await createWorld()
    const admin = await world.addMember('admin')
    const made = await (
      await world.call('/api/v1/api-keys', { as: admin.accessToken, json: { name: 'k', kind: 'query' } })
    ).json<{ id: string; key: string }>()
    expect((await leave(world, admin)).status).toBe(204)
    expect((await world.call('/api/v1/logs', { as: made.key })).status).toBe(200)
    const [row] = await db.select().from(apiKeys).where(eq(apiKeys.id, made.id))
    expect(row?.revokedAt).toBeNull()
  })

  it('goes by the roles of the moment', async () => {
    const world = await createWorld()
    const member = await world.addMember('member')
    expect((await leave(world, world.owner)).status).toBe(409)
    await setRole(world, member, 'owner')
    await joinAccount(world.accountId, member, 'owner')
    await setRole(world, world.owner, 'viewer')
    expect((await leave(world, world.owner)).status).toBe(204)
    expect((await leave(world, member)).status).toBe(204)
    expect((await accountOf(world))?.deletedAt).toEqual(expect.any(Number))
  })
})
