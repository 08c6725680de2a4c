import { env } from 'cloudflare:test'
import type { World } from '../world.ts'

/**
 * An export is written down, also one that was asked for in an odd way that is allowed; so is all that staff ask, before it is
 * looked at; and what the background does in its own time is no answer to a request.
 */
const byRequests = `actor_kind <> 'system' and action not in ('audit_log.export', 'staff.act')`

/** Rows of every D1 table, and logs of every given tenant: what a refused request must leave as it was. */
export async function countRows(worlds: readonly World[]): Promise<Record<string, number>> {
  const { results: tables } = await env.DB.prepare(
    `select name from sqlite_master where type = 'table' and name not like '\\_cf%' escape '\\'`,
  ).all<{ name: string }>()
  const one = tables
    // A refused login is remembered on purpose: that is how guessing is throttled.
    .filter(({ name }) => name !== 'login_attempts')
    .map(({ name }) => `(select count(*) from "${name}"${name.endsWith('audit_log') ? ` where ${byRequests}` : ''}) as "${name}"`)
  const counts = (await env.DB.prepare(`select ${one.join(', ')}`).first<Record<string, number>>()) ?? {}
  for (const world of worlds) counts[`logs of ${world.organizationId}`] = await countLogs(world)
  return counts
}

async function countLogs(world: World): Promise<number> {
  const response = await world.call('/api/v1/logs?page_size=1', { as: world.owner.accessToken })
  if (response.status !== 200) throw new Error(`no count: ${response.status} ${await response.text()}`)
  return (await response.json<{ count: number }>()).count
}
