import { env, evictDurableObject } from 'cloudflare:test'
import { and, eq } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { purgeRowsMax, purgeShardsMax } from '../../src/core/limits.ts'
import { columnsNamingPerson, nobodyId, tablesOfAccount, tablesOfOrganization, tablesOfPerson } from '../../src/db/purge_tables.ts'
import { accounts, apiKeys, logShards, memberships, organizations, users } from '../../src/db/schema.ts'
import { notificationChannels } from '../../src/db/schema_alerts.ts'
import { accountAuditLog } from '../../src/db/schema_audit.ts'
import { reports } from '../../src/db/schema_jobs.ts'
import { startPurge } from '../../src/jobs/purge.ts'
import { getTableConfig } from 'drizzle-orm/sqlite-core'
import { allTables, daysLater, fillTables, mailTo, objectsUnder, purgesOf, rowsWith, shardOf, tablesOf } from '../support/purge_world.ts'
import { openTail } from '../support/tail.ts'
import { accessRows } from '../support/rows.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { auditOf, deliver, runSteps, withJobs } from './control_world.ts'
import { read, storeHotAndSealed, storeRows } from './log_store.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
/** All files share one database, and the health check looks at all of it. */
afterEach(() => env.DB.prepare('DELETE FROM damaged_segments').run())

const organization = () => `/api/v1/organizations/${world.organizationId}`
const del = async (path: string) => (await world.call(path, { method: 'DELETE', as: world.owner.accessToken })).status

/** Runs the schedule so many days on, as far as it concerns these ids; answers how many messages it took. */
async function purgeLater(days: number, ids: readonly string[]): Promise<number> {
  const { ctx: base, sent } = withJobs()
  const ctx = daysLater(base, days)
  await startPurge(ctx)
  const ours = purgesOf(sent.splice(0), ids)
  sent.push(...ours.map((job) => ({ job, delaySeconds: 0 })))
  return runSteps(ctx, sent)
}

const deletedAgo = (days: number) => Date.now() - days * 86_400_000
const statusOf = async (path: string, as = world.owner.accessToken) => (await world.call(path, { as })).status

describe('the lists that the purge goes by', () => {
  const named = (column: string) =>
    allTables
      .map((table) => getTableConfig(table))
      .filter(({ columns }) => columns.some(({ name }) => name === column))
      .map(({ name }) => name)
  const names = (tables: readonly Parameters<typeof getTableConfig>[0][]) => tables.map((table) => getTableConfig(table).name)

  it('know every table that the database has', async () => {
    const { results } = await env.DB.prepare(
      `select name from sqlite_master where type = 'table' and name not glob '_cf*' and name not glob 'sqlite*' and name <> 'd1_migrations' order by name`,
    ).all<{ name: string }>()
    expect(names(allTables).toSorted()).toEqual(results.map(({ name }) => name))
  })

  it('name every table with rows of an organization, a person or an account', () => {
    expect(names(tablesOfOrganization).toSorted()).toEqual(named('organization_id').toSorted())
    // Saved filters go or stay by whether they are shared.
    expect([...names(tablesOfPerson), 'saved_filters'].toSorted()).toEqual(named('user_id').toSorted())
    // Organizations and users are purged by themselves.
    expect([...names(tablesOfAccount), 'organizations', 'users'].toSorted()).toEqual(named('account_id').toSorted())
  })

  it('name every column that refers to a person', () => {
    const referring = allTables.flatMap((table) => {
      const { name, foreignKeys } = getTableConfig(table)
      const toUsers = foreignKeys.map((key) => key.reference()).filter(({ foreignTable }) => foreignTable === users)
      return toUsers.flatMap(({ columns }) => columns.map((column) => `${name}.${column.name}`))
    })
    const known = [
      ...tablesOfPerson.map((table) => `${getTableConfig(table).name}.user_id`),
      ...columnsNamingPerson.map(({ table, column }) => `${getTableConfig(table).name}.${column.replace(/[A-Z]/g, '_$&').toLowerCase()}`),
    ]
    expect(known.toSorted()).toEqual(referring.toSorted())
  })
})

describe('the purge of an organization', () => {
  it('leaves nothing of it in D1, R2, its shards and its live tail, but one entry that it was', async () => {
    const member = await world.addMember('member')
    await storeHotAndSealed(world, accessRows(20, 1), accessRows(30, 2))
    await fillTables(world, member)
    await env.STORAGE.put(`org/${world.organizationId}/archive/x/0.parquet`, 'file')
    const tail = await openTail(world)
    expect(await rowsWith(world.organizationId)).toMatchObject({
      api_keys: 1,
      memberships: 2,
      log_shards: 2,
      saved_filters: 2,
      teams: 1,
      users: 2,
    })
    expect((await objectsUnder(`org/${world.organizationId}/`)).length).toBeGreaterThan(1)
    const [hot, sealed] = [shardOf(world, 'weur', 0), shardOf(world, 'enam', 1)]
    expect(await tablesOf(sealed.stub)).toContain('segments')

    expect(await del(organization())).toBe(204)
    expect(await tail.closed).toMatchObject({ code: 4003 })
    expect(await purgeLater(31, [world.organizationId])).toBe(1)

    expect(await rowsWith(world.organizationId)).toEqual({ account_audit_log: 1 })
    const entries = await testCtx().db.select().from(accountAuditLog).where(eq(accountAuditLog.targetId, world.organizationId))
    expect(entries).toMatchObject([
      { accountId: world.accountId, action: 'organization.purge', actorKind: 'system', details: { name: 'Test' } },
    ])
    expect(await objectsUnder(`org/${world.organizationId}/`)).toEqual([])
    expect(await objectsUnder(`outbox/${world.organizationId}/`)).toEqual([])
    for (const { stub } of [hot, sealed]) expect(await tablesOf(stub)).toEqual([])
    expect(await tablesOf(env.LIVE_TAIL.getByName(world.organizationId))).toEqual([])
    expect(await statusOf('/api/v1/auth/me')).toBe(200)
  })

  it('makes its shards refuse whoever still writes or reads, also after they woke anew', async () => {
    await storeRows(world, accessRows(5, 1))
    const { identity, stub } = shardOf(world, 'weur', 0)
    await expect(Promise.resolve(stub.purge({ ...identity, shard: 7 }))).rejects.toThrow('this shard is')
    expect((await stub.segments(identity)).hot.rows).toBe(5)
    for (let time = 0; time < 2; time += 1) {
      await stub.purge(identity)
      await expect(Promise.resolve(stub.segments(identity))).rejects.toThrow('purged')
      await evictDurableObject(stub)
      await expect(Promise.resolve(stub.watch(identity))).rejects.toThrow('purged')
      expect(await tablesOf(stub)).toEqual([])
    }
  })

  it('does nothing within thirty days, after which a restore brings back all that it had, logs included', async () => {
    await storeHotAndSealed(world, accessRows(20, 1), accessRows(30, 2))
    const count = async () => (await read<{ count: number }>(world, '', { page_size: 1 })).count
    expect(await count()).toBe(50)
    await del(organization())
    expect(await purgeLater(29, [world.organizationId])).toBe(0)
    const { ctx } = withJobs()
    expect(await deliver(daysLater(ctx, 29), { kind: 'purge', thing: 'organization', id: world.organizationId })).toBe('acked')
    const restored = await world.call(`${organization()}/restore`, { method: 'POST', as: world.owner.accessToken })
    expect(restored.status).toBe(200)
    expect(await count()).toBe(50)
    expect(await purgeLater(31, [world.organizationId])).toBe(0)
  })

  it('goes on in bounded steps, and repeats harm nothing, also at once', async () => {
    const { db } = testCtx()
    const { organizationId } = world
    const shards = Array.from({ length: purgeShardsMax + 1 }, (_, number) => ({ organizationId, number, region: 'weur', createdAt: 0 }))
    await db.insert(logShards).values(shards)
    await env.DB.prepare(
      `insert into audit_log (organization_id, id, actor_kind, action, target_kind, target_id, request_id, created_at)
       with recursive n(i) as (select 1 union all select i + 1 from n where i < ?1) select ?2, 'fill ' || i, 'system', 'x', 'x', 'x', 'x', 0 from n`,
    )
      .bind(purgeRowsMax + 10, organizationId)
      .run()
    await db
      .update(organizations)
      .set({ deletedAt: deletedAgo(31) })
      .where(eq(organizations.id, organizationId))
    const { ctx, sent } = withJobs()
    const job = { kind: 'purge', thing: 'organization', id: organizationId } as const
    await deliver(ctx, job)
    expect(purgesOf(sent, [organizationId])).toHaveLength(1)
    expect(await Promise.all([deliver(ctx, job), deliver(ctx, job)])).toEqual(['acked', 'acked'])
    await runSteps(ctx, sent)
    expect(await deliver(ctx, job)).toBe('acked')
    expect(await rowsWith(organizationId)).toEqual({ account_audit_log: 1 })
  })
})

describe('the purge of a user', () => {
  it('leaves nothing of the person; what others need names nobody', async () => {
    const person = await world.addMember('admin')
    await fillTables(world, person)
    const { db } = testCtx()
    const mail = await mailTo(person, world.organizationId)
    await db
      .update(users)
      .set({ deletedAt: deletedAgo(31), firstName: 'Ada', phone: '+41446681800' })
      .where(eq(users.id, person.userId))
    await purgeLater(0, [person.userId])
    const left = await rowsWith(person.userId)
    // Opaque ids, which lead to nobody any more.
    expect(left).toEqual({
      account_audit_log: 1,
      alert_rules: 1,
      audit_log: expect.any(Number) as number,
      dashboards: 1,
      notification_channels: 1,
      reports: 1,
      silences: 1,
      tasks: 1,
    })
    expect(await rowsWith(person.email)).toEqual({})
    expect(await env.STORAGE.head(`outbox/${world.organizationId}/${mail}.eml`)).toBeNull()
    const keys = await db.select().from(apiKeys).where(eq(apiKeys.organizationId, world.organizationId))
    expect(keys).toMatchObject([{ createdBy: nobodyId }])
    const [channel] = await db.select().from(notificationChannels).where(eq(notificationChannels.organizationId, world.organizationId))
    const [report] = await db.select().from(reports).where(eq(reports.organizationId, world.organizationId))
    expect([channel?.config, report?.definition]).toEqual([{ to: ['others@example.com'] }, { q: '', to_emails: ['others@example.com'] }])
    const { results } = await env.DB.prepare('select name, user_id from saved_filters where organization_id = ?')
      .bind(world.organizationId)
      .all()
    expect(results).toEqual([{ name: 'shared', user_id: nobodyId }])
    const [again] = await db.select().from(users).where(eq(users.id, nobodyId))
    expect(again).toMatchObject({ deletedAt: 0, accountId: nobodyId })
  })

  it('waits for thirty days, and never takes nobody', async () => {
    const person = await world.addMember('admin')
    await testCtx()
      .db.update(users)
      .set({ deletedAt: deletedAgo(30) })
      .where(eq(users.id, person.userId))
    expect(await purgeLater(0, [person.userId, nobodyId])).toBe(0)
    expect(await purgeLater(1, [person.userId])).toBe(1)
    expect(await deliver(withJobs().ctx, { kind: 'purge', thing: 'user', id: nobodyId })).toBe('acked')
    expect(await testCtx().db.select().from(users).where(eq(users.id, nobodyId))).toHaveLength(1)
  })
})

describe('the purge of an account', () => {
  it('takes its organizations and users with it, but not who is a member elsewhere', async () => {
    const other = await createWorld()
    const wanderer = await world.addMember('viewer')
    const homebody = await world.addMember('member')
    const { db } = testCtx()
    await db.insert(memberships).values({ userId: wanderer.userId, organizationId: other.organizationId, role: 'owner', createdAt: 0 })
    await fillTables(world, homebody)
    const second = await (
      await world.call('/api/v1/organizations', { as: world.owner.accessToken, json: { name: 'Second' } })
    ).json<{ id: string }>()
    await storeRows(world, accessRows(5, 1))
    await mailTo(world.owner, world.accountId)
    expect(await del(`/api/v1/accounts/${world.accountId}`)).toBe(204)
    expect(await purgeLater(29, [world.accountId])).toBe(0)
    expect(await purgeLater(31, [world.accountId])).toBeGreaterThan(3)

    for (const id of [world.organizationId, second.id, homebody.userId, homebody.email, world.owner.userId, world.owner.email])
      expect([id, await rowsWith(id)]).toEqual([id, {}])
    // The new account's first entry says where its user came from.
    expect(await rowsWith(world.accountId)).toEqual({ account_audit_log: 1 })
    expect(await objectsUnder(`outbox/${world.accountId}/`)).toEqual([])
    const [moved] = await db.select().from(users).where(eq(users.id, wanderer.userId))
    expect(
      await db
        .select()
        .from(accounts)
        .where(eq(accounts.id, moved?.accountId ?? '')),
    ).toMatchObject([{ name: 'viewer', deletedAt: null }])
    const named = { 'X-Organization-Id': other.organizationId }
    expect((await world.call('/api/v1/logs', { as: wanderer.accessToken, headers: named })).status).toBe(200)
    const created = and(eq(accountAuditLog.accountId, moved?.accountId ?? ''), eq(accountAuditLog.action, 'account.create'))
    expect(await db.select().from(accountAuditLog).where(created)).toHaveLength(1)
    expect(await statusOf('/api/v1/auth/me')).toBe(401)
  })
})

it('somebody alone who deletes oneself is gone with account, organization and logs after thirty days', async () => {
  await storeHotAndSealed(world, accessRows(5, 1), accessRows(5, 2))
  const { userId, email } = world.owner
  const { organizationId, accountId } = world
  expect(await del('/api/v1/auth/me')).toBe(204)
  expect(await purgeLater(29, [userId, organizationId, accountId])).toBe(0)
  await purgeLater(31, [userId, organizationId, accountId])
  for (const id of [userId, email, organizationId, accountId]) expect([id, await rowsWith(id)]).toEqual([id, {}])
  for (const prefix of [`org/${organizationId}/`, `outbox/${userId}/`]) expect(await objectsUnder(prefix)).toEqual([])
})

it('the purge of teams takes those that were deleted long ago, with who was in them', async () => {
  await fillTables(world, world.owner)
  await fillTables({ organizationId: world.organizationId }, await world.addMember('viewer'))
  const { results } = await env.DB.prepare('select id from teams where organization_id = ? order by id')
    .bind(world.organizationId)
    .all<{ id: string }>()
  const [gone = { id: '' }, recent] = results
  await env.DB.batch([
    env.DB.prepare('update teams set deleted_at = ? where id = ?').bind(deletedAgo(31), gone.id),
    env.DB.prepare('update teams set deleted_at = ? where id = ?').bind(deletedAgo(29), recent?.id ?? ''),
  ])
  await purgeLater(0, [world.organizationId])
  expect(await rowsWith(gone.id)).toEqual({ audit_log: 1 })
  expect(await auditOf(world, 'team.purge')).toMatchObject([{ target_id: gone.id, actor_kind: 'system' }])
  expect(await rowsWith(recent?.id ?? '')).toEqual({ teams: 1, team_memberships: 1 })
})
