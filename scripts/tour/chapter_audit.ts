import * as z from 'zod'
import { at, page } from './world.ts'
import type { World } from './world.ts'

const entry = z.object({
  action: z.string(),
  actor: z.object({ kind: z.string(), email: z.string().nullable() }),
  request_id: z.string(),
  client_address: z.string().nullable(),
  changes: z.record(z.string(), z.object({ before: z.unknown(), after: z.unknown() })).nullable(),
})
type Entry = z.output<typeof entry>

/** What the organization, the account and the person find in their logs of all that. */
export async function audit(world: World): Promise<void> {
  const { tour, owner, admin, viewer } = world
  tour.chapter('The audit log')
  const by = at(world, admin)
  await tour.step(
    'The admin sees what was done in the organization, and by whom.',
    { request: 'GET /audit-log?page_size=100', by },
    { status: 200, reply: page(entry).refine(({ results }) => results.every(hasOrigin), 'all must have an origin'), tell: told },
  )
  await tour.step(
    'Only what happened to keys.',
    { request: 'GET /audit-log?action=api_key.*', by },
    {
      status: 200,
      reply: page(entry).refine(
        ({ results }) => results.map(({ action }) => action).join() === 'api_key.revoke,api_key.rotate,api_key.create,api_key.create',
        'must be the four acts of the tour, the newest first',
      ),
      tell: ({ results }) => results.map(({ action }) => action).join(', '),
    },
  )
  await tour.step(
    'Only what was done to the admin: roles before and after.',
    { request: `GET /audit-log?action=membership.*&target=${admin.id}`, by },
    {
      status: 200,
      reply: page(entry).refine(({ results }) => results.length === 3, 'must be three entries'),
      tell: ({ results }) => results.map(changed).join('; '),
    },
  )
  await tour.step(
    'All of it as a table for a spreadsheet.',
    { request: 'GET /audit-log/export?format=csv', by },
    {
      status: 200,
      reply: z.string().includes('api_key.revoke'),
      tell: (text) => `${text.trim().split('\n').length - 1} lines below: ${text.slice(0, 60)}...`,
    },
  )
  await tour.refused('A viewer does not read it.', { request: 'GET /audit-log', by: at(world, viewer) }, 403, 'forbidden')
  const { account_id: accountId } = await tour.step(
    'The owner also has an account.',
    { request: 'GET /auth/me', by: owner.session },
    { status: 200, reply: z.object({ account_id: z.string() }), tell: (body) => body.account_id },
  )
  await tour.step(
    'Its log tells of logins, passwords and second factors of its users.',
    { request: `GET /accounts/${accountId}/audit-log?page_size=200`, by: owner.session },
    {
      status: 200,
      reply: page(entry).refine(has('second_factor.enable', 'user.email_changed'), 'must tell of the second factor and the e-mail'),
      tell: told,
    },
  )
  await tour.step(
    'Everybody sees the own one: here the viewer.',
    { request: 'GET /auth/security-log?page_size=100', by: viewer.session },
    { status: 200, reply: page(entry).refine(has('password.change', 'password.reset'), 'must tell of the two passwords'), tell: told },
  )
}

function hasOrigin({ request_id: id, client_address: address, actor }: Entry): boolean {
  return id !== '' && address !== null && (actor.kind !== 'user' || actor.email !== null)
}

function has(...actions: string[]) {
  return ({ results }: { results: Entry[] }) => actions.every((action) => results.some((each) => each.action === action))
}

function told({ count, results }: { count: number; results: Entry[] }): string {
  return `${count} entries: ${[...new Set(results.map(({ action }) => action))].join(', ')}`
}

function changed({ action, changes }: Entry): string {
  const role = changes?.['role']
  return role === undefined ? action : `${action} ${String(role.before)} -> ${String(role.after)}`
}
