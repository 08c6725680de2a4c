import { env } from 'cloudflare:test'
import { shardName } from '../../../src/core/ids.ts'
import { outboxKey } from '../../../src/core/mails.ts'
import { tasks } from '../../../src/db/schema.ts'
import { newMail } from '../../../src/db/mails.ts'
import { parseRefreshToken } from '../../../src/features/auth/refresh_token.ts'
import { segmentId } from '../../../src/search/storage/segments.ts'
import { makeIdleDeadJob } from '../dead_jobs.ts'
import { testCtx } from '../world.ts'
import type { World } from '../world.ts'
import { alertJsonSamples, alertMakers } from './alert_samples.ts'
import { contentJsonSamples, contentMakers } from './content_samples.ts'
import { peopleJsonSamples, peopleLasting, peopleMakers } from './people_samples.ts'

/** A body that each route with a JSON body accepts, by route id; the suite checks that no route lacks one. */
export const jsonSamples: Record<string, Record<string, unknown>> = {
  'auth.register': { email: 'new@example.com', password: 'correct horse battery', name: 'New', organization_name: 'New Inc' },
  'auth.login': { email: 'new@example.com', password: 'correct horse battery', transport: 'bearer' },
  'auth.refresh': { refresh_token: 'x' },
  'auth.change_password': { current_password: 'x', new_password: 'correct horse battery' },
  'auth.confirm_password': { password: 'x' },
  'auth.password_reset': { email: 'new@example.com' },
  'auth.password_reset_confirm': { token: 'A'.repeat(43), password: 'correct horse battery' },
  'auth.verify_email': { token: 'A'.repeat(43) },
  'auth.verify_email_resend': { email: 'new@example.com' },
  'auth.pre_register': { email: 'new@example.com' },
  'totp.confirm': { code: '123456' },
  'totp.delete': { totp_code: '123456' },
  'accounts.create': { name: 'New Inc', owner_email: 'owner@new.example', owner_name: 'New' },
  'accounts.replace': { name: 'Test' },
  'accounts.update': { name: 'Test' },
  'accounts.transfer': { user_id: '01923f00-0000-7000-8000-00000000000a' },
  'account_members.replace': { role: 'admin' },
  'account_members.update': { role: 'admin' },
  'organizations.create': { name: 'Second' },
  'organizations.replace': { name: 'Test', require_second_factor: false, audit_days: 365 },
  'organizations.update': { name: 'Test', audit_days: 365 },
  'organizations.transfer': { user_id: '01923f00-0000-7000-8000-00000000000a' },
  'members.update': { role: 'member' },
  'members.replace': { role: 'member' },
  'invitations.create': { email: 'guest@example.com', role: 'member' },
  'invitations.preview': { token: 'x'.repeat(43) },
  'invitations.accept': { token: 'x'.repeat(43) },
  'invitations.register': { token: 'x'.repeat(43), password: 'correct horse battery', name: 'New' },
  'teams.create': { name: 'Team', description: 'What it is for' },
  'teams.replace': { name: 'Team', description: 'What it is for' },
  'teams.update': { name: 'Team', description: 'What it is for' },
  'team_members.create': { user_id: '01923f00-0000-7000-8000-00000000000a', role: 'member' },
  'team_members.update': { role: 'member' },
  'api_keys.create': { name: 'key', kind: 'query', scopes: ['logs:read'], expires_at: '2999-01-01T00:00:00Z' },
  'api_keys.update': { name: 'key', scopes: ['logs:read'], expires_at: '2999-01-01T00:00:00Z', rate_limit_per_minute: 100 },
  'api_keys.rotate': { grace_seconds: 60 },
  'logs.search_by_post': { q: 'error', from: 'now-1h', to: 'now', order: 'newest', limit: 10 },
  'logs.erase': { q: 'no log has this', from: '2026-01-01', to: '2026-01-02' },
  'tasks.create': { kind: 'add', params: { a: 1, b: 2 } },
  'tasks.download_link': { expires_in_seconds: 60 },
  'logs.archive': { q: 'no log has this', from: '2026-01-01', to: '2026-01-02' },
  'retention.replace': { days: 30 },
  'mail_suppressions.create': { email: 'ann@example.com', scope: 'alerts', detail: 'asked by phone' },
  ...alertJsonSamples,
  ...contentJsonSamples,
  ...peopleJsonSamples,
  'logs.replace': { timestamp: '2026-01-01T00:00:00Z', severity: 'INFO', source: 'api', message: 'text', attributes: { a: 1 } },
  'logs.update': { timestamp: '2026-01-01T00:00:00Z', severity: 'INFO', source: 'api', message: 'text', attributes: { a: 1 } },
}

/** Query parameters that a route cannot do without. */
export const querySamples: Record<string, Record<string, string>> = {
  'logs.tail': { ticket: 'x' },
  'logs.context': { id: '0000000000001' },
  'mail_suppressions.delete': { email: 'ann@example.com', scope: 'all' },
  'unsubscribe.ask': { token: 'test.AAAA' },
  'unsubscribe.confirm': { token: 'test.AAAA' },
}

/** For each path with a parameter: makes something in that world and gives its id; the suite checks that no path lacks one. */
export const thingMakers: Record<string, (world: World) => Promise<string>> = {
  '/api/v1/auth/sessions/:id': makeSession,
  '/api/v1/accounts/:id/audit-log': async (world) => world.accountId,
  '/dev/outbox/:id': makeMail,
  '/dev/mails/:kind': async () => 'welcome',
  '/api/v1/api-keys/:id': makeKey,
  '/api/v1/api-keys/:id/rotate': makeKey,
  '/api/v1/logs/:id': async (world) => {
    const { key } = await world.createKey('ingest')
    const response = await world.call('/api/v1/logs', { as: key, json: { message: 'secret' } })
    if (response.status !== 201) throw new Error(`no log: ${response.status} ${await response.text()}`)
    return (await response.json<{ id: string }>()).id
  },
  '/api/v1/accounts/:id': ownAccount,
  '/api/v1/accounts/:id/restore': ownAccount,
  '/api/v1/accounts/:id/transfer': ownAccount,
  '/api/v1/accounts/:id/members': ownAccount,
  '/api/v1/accounts/:id/members/:user_id': makeAccountMember,
  '/api/v1/accounts/:id/leave': ownAccount,
  '/api/v1/accounts/:id/usage': ownAccount,
  '/api/v1/organizations/:id': makeOrganization,
  '/api/v1/organizations/:id/restore': makeOrganization,
  '/api/v1/organizations/:id/transfer': makeOrganization,
  '/api/v1/organizations/:id/members': ownId,
  '/api/v1/organizations/:id/members/:user_id': makeMember,
  '/api/v1/organizations/:id/leave': ownId,
  '/api/v1/organizations/:id/invitations': ownId,
  '/api/v1/organizations/:id/invitations/:invitation_id': makeInvitation,
  '/api/v1/organizations/:id/invitations/:invitation_id/resend': makeInvitation,
  '/api/v1/teams/:id': makeTeam,
  '/api/v1/teams/:id/restore': makeTeam,
  '/api/v1/teams/:id/members': makeTeam,
  '/api/v1/teams/:id/members/:user_id': makeTeamMember,
  '/api/v1/tasks/:id': makeTask,
  '/api/v1/tasks/:id/download-link': makeExport,
  '/api/v1/downloads/:token': makeDownload,
  '/api/v1/dead-jobs/:id': makeIdleDeadJob,
  '/api/v1/dead-jobs/:id/replay': makeIdleDeadJob,
  ...alertMakers,
  ...contentMakers,
  ...peopleMakers,
  '/api/v1/tasks/:id/files/:n': makeTask,
  '/api/v1/logs/segments/:id/file': async (world) => {
    const { key } = await world.createKey('ingest')
    await world.call('/api/v1/logs', { as: key, json: { message: 'secret' } })
    const identity = { organizationId: world.organizationId, region: 'weur', shard: 0 }
    const { segments } = await env.LOG_SHARD.getByName(shardName(identity)).sealNow(identity)
    return segmentId(segments[0]?.key ?? '')
  },
}

/** Paths whose things cannot be deleted there, or are still shown. */
const lasting: ReadonlySet<string> = new Set([
  ...peopleLasting,
  // The world needs its own.
  '/api/v1/accounts/:id',
  '/api/v1/accounts/:id/restore',
  '/api/v1/accounts/:id/transfer',
  '/api/v1/accounts/:id/members',
  // A PUT gives the role again.
  '/api/v1/accounts/:id/members/:user_id',
  '/api/v1/accounts/:id/leave',
  '/api/v1/accounts/:id/usage',
  '/api/v1/accounts/:id/audit-log',
  '/dev/outbox/:id',
  '/dev/mails/:kind',
  // Of staff, whom no tenant has.
  '/api/v1/dead-jobs/:id',
  '/api/v1/dead-jobs/:id/replay',
  '/api/v1/alerts/:id/notifications/:notification_id/retry',
  '/api/v1/tasks/:id',
  '/api/v1/tasks/:id/files/:n',
  '/api/v1/tasks/:id/download-link',
  '/api/v1/downloads/:token',
  '/api/v1/logs/segments/:id/file',
  '/api/v1/organizations/:id/restore',
  '/api/v1/organizations/:id/transfer',
  '/api/v1/organizations/:id/members',
  '/api/v1/organizations/:id/leave',
  '/api/v1/organizations/:id/invitations',
  '/api/v1/teams/:id/restore',
])

/** The organization itself, of which the path names a part. */
async function ownId({ organizationId }: World): Promise<string> {
  return organizationId
}

async function makeMember(world: World): Promise<string> {
  const { userId } = await world.addMember('member')
  return `${world.organizationId} ${userId}`
}

async function makeInvitation(world: World): Promise<string> {
  const email = `guest-${crypto.randomUUID()}@example.com`
  const path = `/api/v1/organizations/${world.organizationId}/invitations`
  const { id } = await made(await world.call(path, { as: world.owner.accessToken, json: { email, role: 'member' } }))
  return `${world.organizationId} ${id}`
}

async function makeTeam({ call, owner }: World): Promise<string> {
  return (await made(await call('/api/v1/teams', { as: owner.accessToken, json: { name: crypto.randomUUID() } }))).id
}

async function makeTeamMember(world: World): Promise<string> {
  const id = await makeTeam(world)
  const { userId } = world.owner
  const json = { user_id: userId }
  const response = await world.call(`/api/v1/teams/${id}/members`, { as: world.owner.accessToken, json })
  if (response.status !== 201) throw new Error(`no member of a team: ${response.status} ${await response.text()}`)
  return `${id} ${userId}`
}

async function made(response: Response): Promise<{ id: string }> {
  if (response.status !== 201) throw new Error(`nothing made: ${response.status} ${await response.text()}`)
  return response.json()
}

async function ownAccount({ accountId }: World): Promise<string> {
  return accountId
}

async function makeAccountMember({ addMember, call, owner, accountId }: World): Promise<string> {
  const { userId } = await addMember('member')
  const path = `/api/v1/accounts/${accountId}/members/${userId}`
  await made(await call(path, { method: 'PUT', as: owner.accessToken, json: { role: 'admin' } }))
  return `${accountId} ${userId}`
}

async function makeOrganization(world: World): Promise<string> {
  const response = await world.call('/api/v1/organizations', { as: world.owner.accessToken, json: jsonSamples['organizations.create'] })
  if (response.status !== 201) throw new Error(`no organization: ${response.status} ${await response.text()}`)
  return (await response.json<{ id: string }>()).id
}

/** A mail about the organization, which lies in the outbox. */
async function makeMail({ organizationId: ownerId }: World): Promise<string> {
  const { job, statement } = newMail(testCtx(), 'registration_known', { to: 'ann@example.com', ownerId }, {})
  await statement
  await env.STORAGE.put(outboxKey({ ownerId, id: job.id }), 'a mail')
  return job.id
}

async function makeKey(world: World): Promise<string> {
  return (await world.createKey('query')).id
}

async function makeSession({ owner, call }: World): Promise<string> {
  const response = await call('/api/v1/auth/login', { json: { email: owner.email, password: owner.password } })
  const { refresh_token } = await response.json<{ refresh_token: string }>()
  return parseRefreshToken(refresh_token)?.sessionId ?? ''
}

async function makeTask(world: World): Promise<string> {
  const response = await world.call('/api/v1/logs/archive', { as: world.owner.accessToken, json: jsonSamples['logs.archive'] })
  if (response.status !== 202) throw new Error(`no task: ${response.status} ${await response.text()}`)
  return (await response.json<{ id: string }>()).id
}

/** An export that is done, with its file. */
export async function makeExport({ organizationId, owner }: World): Promise<string> {
  const { db, newId, now } = testCtx()
  const id = newId()
  await env.STORAGE.put(`org/${organizationId}/export/${id}/0`, 'a file')
  await db.insert(tasks).values({
    organizationId,
    id,
    kind: 'export',
    status: 'SUCCESS',
    params: {},
    state: { file_name: 'logs.ndjson', content_type: 'application/x-ndjson', files: 1, sizes: [6] },
    createdBy: owner.userId,
    createdAt: now(),
    updatedAt: now(),
    filesUntil: now() + 3_600_000,
  })
  return id
}

/** The token of a link, whose task is stopped again: nobody gets anything by it. */
async function makeDownload(world: World): Promise<string> {
  const id = await makeExport(world)
  const as = world.owner.accessToken
  const link = await world.call(`/api/v1/tasks/${id}/download-link`, { as, json: {} })
  const { url } = await link.json<{ url: string }>()
  await world.call(`/api/v1/tasks/${id}`, { as, method: 'DELETE' })
  return url.slice(url.lastIndexOf('/') + 1)
}

/** The path with its parameters filled: a number with 0, others with the ids (with a blank between them) in order, or all with one. */
export function fillPath(path: string, ids: string): string {
  const [first = '', ...more] = ids.split(' ')
  return path
    .replace(/:n\b/g, '0')
    .replace(/:\w+/, first)
    .replace(/:\w+/g, () => more.shift() ?? first)
}

/** An id that nothing has, of the form that the path wants. */
export function missingId(path: string): string {
  if (path.includes('/segments/')) return 'weur.20260101.0-1-1-1-0123456789abcdef'
  return path.includes('/logs/') ? '0000zzzzzzzzz' : '01923f00-0000-7000-8000-00000000000a'
}

/** Makes a thing and deletes it again, at its own path; what cannot be deleted was never there. */
export async function makeAndDelete(world: World, path: string, make: (world: World) => Promise<string>): Promise<string> {
  if (lasting.has(path)) return missingId(path)
  const id = await make(world)
  const own = path.replace(/\/[^/:]+$/, '')
  const response = await world.call(fillPath(own, id), { method: 'DELETE', as: world.owner.accessToken })
  if (response.status !== 204) throw new Error(`not deleted: ${response.status} ${await response.text()}`)
  return id
}
