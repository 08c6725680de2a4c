import { env, runInDurableObject } from 'cloudflare:test'
import { is, sql } from 'drizzle-orm'
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core'
import type { TaskJob } from '../../src/core/jobs.ts'
import type { BaseCtx } from '../../src/db/context.ts'
import * as schema from '../../src/db/schema.ts'
import * as alertsSchema from '../../src/db/schema_alerts.ts'
import * as auditSchema from '../../src/db/schema_audit.ts'
import * as contentSchema from '../../src/db/schema_content.ts'
import * as identitySchema from '../../src/db/schema_identity.ts'
import * as jobsSchema from '../../src/db/schema_jobs.ts'
import { shardName } from '../../src/core/ids.ts'
import { fillJobTables } from './alert_rows.ts'
import { testCtx } from './world.ts'
import type { Person, World } from './world.ts'

/** Every table of D1. */
export const allTables: SQLiteTable[] = [schema, alertsSchema, auditSchema, contentSchema, identitySchema, jobsSchema].flatMap((module) =>
  Object.values(module as Record<string, unknown>).filter((each): each is SQLiteTable => is(each, SQLiteTable)),
)

/** Number of rows by table that hold the text anywhere; tables without any are left out. */
export async function rowsWith(text: string): Promise<Record<string, number>> {
  const { db } = testCtx()
  const found: Record<string, number> = {}
  for (const table of allTables) {
    const { name, columns } = getTableConfig(table)
    const anywhere = sql.join(
      columns.map((column) => sql`instr(coalesce(${column}, ''), ${text}) > 0`),
      sql` or `,
    )
    const [row] = await db
      .select({ count: sql<number>`count(*)` })
      .from(table)
      .where(anywhere)
    if (row !== undefined && row.count > 0) found[name] = row.count
  }
  return found
}

export async function objectsUnder(prefix: string): Promise<string[]> {
  return (await env.STORAGE.list({ prefix })).objects.map(({ key }) => key)
}

/** Tables that an object's SQLite has, the platform's own ones apart. */
export function tablesOf<T extends Rpc.DurableObjectBranded>(stub: DurableObjectStub<T>): Promise<string[]> {
  return runInDurableObject(stub as DurableObjectStub, (_, state) =>
    state.storage.sql
      .exec<{ name: string }>(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_cf*' ORDER BY name`)
      .toArray()
      .map(({ name }) => name),
  )
}

export function shardOf({ organizationId }: Pick<World, 'organizationId'>, region: string, shard: number) {
  const identity = { organizationId, region, shard }
  return { identity, stub: env.LOG_SHARD.getByName(shardName(identity)) }
}

/** One row in every table of the organization that the given people leave traces in. */
export async function fillTables({ organizationId }: Pick<World, 'organizationId'>, person: Person): Promise<void> {
  const { db, newId, now } = testCtx()
  const [at, userId] = [now(), person.userId]
  const times = { createdAt: at, updatedAt: at }
  const teamId = newId()
  await db.batch([
    db.insert(schema.apiKeys).values({
      organizationId,
      id: newId(),
      name: 'key',
      kind: 'query',
      scopes: ['logs:read'],
      keyHash: newId(),
      hint: 'abcd',
      createdBy: userId,
      ...times,
    }),
    db.insert(schema.damagedSegments).values({ organizationId, segment: newId(), reason: 'x', seenAt: at }),
    db.insert(contentSchema.dashboards).values({ organizationId, id: newId(), name: 'd', definition: {}, createdBy: userId, ...times }),
    db.insert(contentSchema.savedFilters).values([
      { organizationId, id: newId(), userId, name: 'own', definition: {}, ...times },
      { organizationId, id: newId(), userId, name: 'shared', definition: {}, shared: true, ...times },
    ]),
    db.insert(identitySchema.invitations).values([
      {
        organizationId,
        id: newId(),
        email: `${newId()}@x.example`,
        role: 'viewer',
        tokenHash: newId(),
        invitedBy: userId,
        ...times,
        expiresAt: at,
      },
      {
        organizationId,
        id: newId(),
        email: person.email,
        role: 'viewer',
        tokenHash: newId(),
        invitedBy: userId,
        ...times,
        expiresAt: at,
        acceptedBy: userId,
      },
    ]),
    db.insert(identitySchema.oneTimeTokens).values({ tokenHash: newId(), kind: 'verify_email', userId, createdAt: at, expiresAt: at }),
    db.insert(identitySchema.recoveryCodes).values({ userId, codeHash: newId(), createdAt: at }),
    db.insert(identitySchema.secondFactors).values({ userId, sealedSecret: 'x', createdAt: at }),
    db.insert(identitySchema.userDevices).values({ userId, fingerprint: newId(), createdAt: at, lastSeenAt: at }).onConflictDoNothing(),
    db
      .insert(identitySchema.emailChanges)
      .values({ userId, newEmail: 'n@x.example', oldTokenHash: newId(), newTokenHash: newId(), createdAt: at, expiresAt: at }),
    db
      .insert(schema.tasks)
      .values({ organizationId, id: newId(), kind: 'erase', status: 'SUCCESS', params: {}, state: {}, createdBy: userId, ...times }),
  ])
  await env.DB.batch([
    env.DB.prepare(`insert into teams (organization_id, id, name, name_key, created_at, updated_at) values (?, ?, 'team', ?, ?, ?)`).bind(
      organizationId,
      teamId,
      teamId,
      at,
      at,
    ),
    env.DB.prepare(`insert into team_memberships values (?, ?, ?, 'member', ?)`).bind(organizationId, teamId, userId, at),
  ])
  await mailTo(person, organizationId)
  await fillJobTables({ organizationId }, person)
}

/** A mail that was delivered to the outbox. */
export async function mailTo({ email }: Pick<Person, 'email'>, ownerId: string): Promise<string> {
  const { db, newId } = testCtx()
  const id = newId()
  await db
    .insert(contentSchema.mails)
    .values({ id, kind: 'membership_changed', recipient: email, ownerId, sealedParams: '', status: 'sent', createdAt: 0, updatedAt: 0 })
  await env.STORAGE.put(`outbox/${ownerId}/${id}.eml`, 'mail')
  return id
}

/** The same with the clock so many days on. */
export function daysLater(ctx: BaseCtx, days: number): BaseCtx {
  return { ...ctx, now: () => Date.now() + days * 86_400_000 }
}

/** The jobs that purge one of these. */
export function purgesOf(sent: readonly { job: TaskJob }[], ids: readonly string[]): TaskJob[] {
  return sent.map(({ job }) => job).filter((job) => job.kind === 'purge' && ids.includes(job.id))
}
