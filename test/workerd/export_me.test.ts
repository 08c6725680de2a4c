import { env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { exportsPerUserMax } from '../../src/core/limits.ts'
import type { UserCtx } from '../../src/db/context.ts'
import { memberships, sessions } from '../../src/db/schema.ts'
import { dashboards, savedFilters } from '../../src/db/schema_content.ts'
import { invitations, teamMemberships, teams } from '../../src/db/schema_identity.ts'
import { exportMe } from '../../src/features/auth/export_me.ts'
import { leftOut, personalColumns } from '../../src/features/auth/export_me_columns.ts'
import { exportSections } from '../../src/features/auth/export_me_rows.ts'
import { problemOf } from '../support/app.ts'
import { fillJobTables } from '../support/alert_rows.ts'
import { addAccountAdmin } from '../support/users.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'

const path = '/api/v1/auth/me/export'
const { db } = testCtx()

type Document = Record<string, Record<string, unknown>[]>

const exportOf = async ({ call, owner }: World) => {
  const response = await call(path, { as: owner.accessToken })
  if (response.status !== 200) throw new Error(`no export: ${response.status} ${await response.text()}`)
  return response.json<Document>()
}

/** A person of whom something is known everywhere. */
async function createKnownPerson(): Promise<World> {
  const world = await createWorld()
  const { owner, organizationId } = world
  const { userId } = owner
  const times = { createdAt: 1, updatedAt: 1 }
  await world.createKey('query')
  const [filter, board, team, sent, received] = Array.from({ length: 5 }, () => crypto.randomUUID()) as [
    string,
    string,
    string,
    string,
    string,
  ]
  await db.batch([
    db
      .insert(savedFilters)
      .values({ organizationId, id: filter, userId, name: 'Errors', definition: { q: 'error' }, shared: true, ...times }),
    db.insert(dashboards).values({ organizationId, id: board, name: 'Board', definition: { panels: [] }, createdBy: userId, ...times }),
    db.insert(teams).values({ organizationId, id: team, name: `Team ${team}`, ...times }),
    db.insert(teamMemberships).values({ organizationId, teamId: team, userId, role: 'manager', createdAt: 1 }),
    db.insert(invitations).values([
      {
        organizationId,
        id: sent,
        email: 'friend@example.com',
        role: 'viewer',
        tokenHash: `hash-${sent}`,
        invitedBy: userId,
        expiresAt: 9,
        ...times,
      },
      {
        organizationId,
        id: received,
        email: owner.email,
        role: 'admin',
        tokenHash: `hash-${received}`,
        invitedBy: userId,
        expiresAt: 9,
        ...times,
      },
    ]),
  ])
  await fillJobTables(world, owner)
  await world.call('/api/v1/auth/me', { method: 'PATCH', as: owner.accessToken, json: { phone: '+4915112345678' } })
  await world.call('/api/v1/auth/change-email', { as: owner.accessToken, json: { new_email: `next-${owner.email}` } })
  return world
}

describe('the export of a person', () => {
  it('holds all that is known of the person, as a file', async () => {
    const world = await createKnownPerson()
    const { call, owner, organizationId, accountId } = world
    const response = await call(path, { as: owner.accessToken })
    expect(response.headers.get('Content-Type')).toBe('application/json')
    expect(response.headers.get('Content-Disposition')).toMatch(/^attachment; filename="edgelog-person-\d{4}-\d\d-\d\d\.json"$/)
    expect(response.headers.get('Cache-Control')).toBe('no-store')
    const file = await response.json<Document>()
    expect(file).toMatchObject({
      format: 'edgelog-person',
      version: 1,
      not_included: leftOut,
      profile: [{ id: owner.userId, email: owner.email, phone: '+4915112345678', account_id: accountId }],
      accounts: [{ account_id: accountId, name: 'Test', role: 'owner' }],
      memberships: [{ organization_id: organizationId, name: 'Test', role: 'owner' }],
      teams: [{ organization_id: organizationId, role: 'manager' }],
      sessions: [{ client_address: world.address }],
      email_change: [{ new_email: `next-${owner.email}` }],
      api_keys: [{ name: 'query key', kind: 'query' }],
      saved_filters: [{ name: 'Errors', definition: { q: 'error' }, shared: true }],
      dashboards: [{ name: 'Board', definition: { panels: [] } }],
      alert_rules: [{ name: 'Errors', definition: { threshold: 10 } }],
      silences: [{ comment: 'Deployment' }],
      notification_channels: [{ name: 'Mail', kind: 'email' }],
      reports: [{ name: 'Weekly' }],
      confirmed_addresses: [{ organization_id: organizationId, email: owner.email }],
      alert_notifications: [{ recipient: owner.email, status: 'sent' }],
      unwanted_mails: [{ scope: 'alerts', reason: 'unsubscribe' }],
      invitations_received: [{ email: owner.email, role: 'admin' }],
      mails: [{ kind: 'change_email_old', recipient: owner.email }],
    })
    expect(new Set(file['invitations_sent']?.map(({ role }) => role))).toEqual(new Set(['viewer', 'admin']))
    expect(file['sessions']?.[0]?.['created_at']).toMatch(/^\d{4}-\d\d-\d\dT/)
    expect(file['acts_in_organizations']?.map(({ action }) => action)).toEqual(['organization.create', 'api_key.create'])
    expect(file['acts_in_accounts']?.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['auth.login', 'user.update', 'user.change_email', 'user.export']),
    )
  })

  it('holds of what was made for an organization only id, name and times once the person has left it', async () => {
    const world = await createKnownPerson()
    await db.delete(memberships).where(eq(memberships.userId, world.owner.userId))
    const file = await exportOf(world)
    expect(file['alert_rules']).toMatchObject([{ name: 'Errors', definition: null }])
    expect(file['alert_rules']?.[0]?.['created_at']).toMatch(/^\d{4}-/)
    expect(file['silences']).toMatchObject([{ comment: null, recurrence: null }])
    expect(file['dashboards']).toMatchObject([{ name: 'Board', definition: null }])
  })

  it('holds no secret, and nothing of others', async () => {
    const [world, other] = [await createKnownPerson(), await createKnownPerson()]
    const text = JSON.stringify({ ...(await exportOf(world)), not_included: [] })
    const columns = [
      'users.password_hash',
      'sessions.family_hash',
      'sessions.token_hash',
      'api_keys.key_hash',
      'one_time_tokens.token_hash',
      'invitations.token_hash',
      'email_changes.old_token_hash',
      'email_changes.new_token_hash',
      'user_devices.fingerprint',
      'mails.sealed_params',
    ].map((name) => name.split('.') as [string, string])
    const rows = await env.DB.batch<{ secret: string }>(
      columns.map(([table, column]) => env.DB.prepare(`select ${column} as secret from ${table}`)),
    )
    // Other files fill tables with rows of their own, whose hashes are a few letters.
    const secrets = rows.flatMap(({ results }) => results.map(({ secret }) => secret)).filter((secret) => secret.length >= 32)
    expect(secrets.length).toBeGreaterThan(10)
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([])
    expect(text).not.toMatch(/"[^"]*(hash|secret|salt|sealed|fingerprint)[^"]*":/)
    for (const foreign of [other.owner.userId, other.owner.email, other.organizationId, 'friend@example.com', 'others@example.com'])
      expect(text).not.toContain(foreign)
  })

  it('tells what others did about the person, and not where they were', async () => {
    const world = await createWorld()
    const member = await world.addMember('member')
    const members = `/api/v1/organizations/${world.organizationId}/members/${member.userId}`
    expect((await world.call(members, { method: 'PATCH', as: world.owner.accessToken, json: { role: 'viewer' } })).status).toBe(200)
    const file = await exportOf({ ...world, owner: member })
    const about = file['acts_of_others_in_organizations']
    expect(about?.map(({ action, actor_kind }) => [action, actor_kind])).toEqual([
      ['membership.create', 'system'],
      ['membership.change_role', 'user'],
    ])
    expect(JSON.stringify(about)).not.toContain(world.owner.userId)
    expect(Object.keys(about?.[0] ?? {})).not.toContain('client_address')
  })

  it('tells of acts on others only that they were, and what was done to the person in full', async () => {
    const world = await createWorld()
    const admin = await addAccountAdmin(world)
    const { userId } = admin
    await db.update(memberships).set({ role: 'admin' }).where(eq(memberships.userId, userId))
    const change = (id: string, json: object) => world.call(`/api/v1/users/${id}`, { method: 'PATCH', as: admin.accessToken, json })
    const other = await world.addMember('viewer')
    expect((await change(other.userId, { birth_date: '1980-02-04', phone: '+4915112345679' })).status).toBe(200)
    expect((await change(userId, { phone: '+4915112345670' })).status).toBe(200)
    await world.call('/api/v1/api-keys', { as: admin.accessToken, json: { name: 'named after Ann', kind: 'query' } })
    const file = await exportOf({ ...world, owner: admin })
    expect(JSON.stringify(file['acts_in_organizations'])).not.toContain('named after Ann')
    const acts = file['acts_in_accounts']?.filter(({ action }) => action === 'user.update')
    expect(acts).toMatchObject([
      { target_id: other.userId, details: null, changes: null, client_address: world.address },
      { target_id: userId, changes: { phone: { before: null, after: '+4915112345670' } } },
    ])
    expect(JSON.stringify(file)).not.toMatch(/1980-02-04|4915112345679/)
  })

  it('answers for every D1 column that may name a person, or says why not', async () => {
    const { results: tables } = await env.DB.prepare(
      `select name from sqlite_master where type = 'table' and name not like '\\_cf%' escape '\\' and name not like 'd1\\_%' escape '\\'
       and name not like 'sqlite\\_%' escape '\\'`,
    ).all<{ name: string }>()
    const found: string[] = []
    for (const { name } of tables) {
      const [columns, keys] = await env.DB.batch<{ name: string; from: string; table: string }>([
        env.DB.prepare(`select name from pragma_table_info('${name}')`),
        env.DB.prepare(`select "from", "table" from pragma_foreign_key_list('${name}')`),
      ])
      const toUsers = new Set(keys?.results.filter((key) => key.table === 'users').map((key) => key.from))
      for (const column of columns?.results ?? [])
        if (toUsers.has(column.name) || /user_id|_by$|actor_id|target_id|email|recipient|owner_id/.test(column.name)) {
          // When it was confirmed names nobody.
          if (!column.name.endsWith('_at')) found.push(`${name}.${column.name}`)
        }
    }
    expect(found).toContain('memberships.user_id')
    expect([...found, 'users.id'].toSorted()).toEqual(Object.keys(personalColumns).toSorted())
    const named = Object.values(personalColumns).flatMap((of) => ('sections' in of ? of.sections : []))
    expect([...new Set(named)].toSorted()).toEqual(exportSections.map(({ name }) => name).toSorted())
  })

  it('comes page by page, each row once, and says what it cut', async () => {
    const world = await createKnownPerson()
    const whole = await exportOf(world)
    const ctx: UserCtx = {
      ...testCtx(),
      user: { id: world.owner.userId, email: world.owner.email, accountId: world.accountId, isStaff: false },
      sessionId: 's',
      session: { id: 's', passwordProvedMs: 0, secondFactor: false },
    }
    const read = async (pageRows: number, rowsMax: number) =>
      JSON.parse(await new Response((await exportMe(ctx, { pageRows, rowsMax })).body).text()) as Document
    const paged = await read(1, 1000)
    for (const { name } of exportSections.filter((section) => section.name !== 'acts_in_accounts'))
      expect([name, paged[name]]).toEqual([name, whole[name]])
    expect(paged['cut_at_1000_rows']).toEqual([])
    const cut = await read(1, 1)
    expect(exportSections.filter(({ name }) => (cut[name]?.length ?? 0) > 1)).toEqual([])
    expect(cut['cut_at_1_rows']).toEqual(expect.arrayContaining(['invitations_sent', 'acts_in_organizations', 'acts_in_accounts']))
    expect(cut['cut_at_1_rows']).not.toContain('dashboards')
  })

  it('uses an index for the audit logs, which grow without bound', async () => {
    const plans = [
      `select id from audit_log where actor_kind = 'user' and actor_id = ? order by id`,
      `select id from audit_log where target_kind = 'user' and target_id = ? order by id`,
      `select id from account_audit_log where actor_kind = 'user' and actor_id = ? order by id`,
      `select id from account_audit_log where target_kind = 'user' and target_id = ? order by id`,
    ]
    for (const plan of plans) {
      const { results } = await env.DB.prepare(`explain query plan ${plan}`).bind('u').all<{ detail: string }>()
      expect(results.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^SEARCH .* USING (COVERING )?INDEX/)])
    }
  })
})

describe('exporting oneself', () => {
  it('needs the password proved of late', async () => {
    const world = await createWorld()
    await db.update(sessions).set({ passwordProvedAt: 0 }).where(eq(sessions.userId, world.owner.userId))
    expect(await problemOf(await world.call(path, { as: world.owner.accessToken }))).toMatchObject({ code: 'reauthentication_required' })
  })

  it('is possible five times an hour', async () => {
    const world = await createWorld()
    for (let i = 0; i < exportsPerUserMax; i += 1) await exportOf(world)
    const refused = await world.call(path, { as: world.owner.accessToken })
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0)
    expect(await problemOf(refused)).toMatchObject({ status: 429, details: { exports_per_user: ['at most 5 in 60 minutes'] } })
  })
})
