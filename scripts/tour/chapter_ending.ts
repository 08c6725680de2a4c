import * as z from 'zod'
import { apiKeyMissCacheMs } from '../../src/core/limits.ts'
import { countLogs } from './chapter_logs.ts'
import type { Call } from './tour.ts'
import { at } from './world.ts'
import type { Person, World } from './world.ts'

const withRoles = z.object({ name: z.string(), roles: z.array(z.string()) })
const told = ({ name, roles }: z.output<typeof withRoles>) => `${name}, the caller acts as ${roles.join(' and ')}`

/** Ownership goes from hand to hand, and the organization goes and comes back. */
export async function ownership(world: World): Promise<void> {
  const { tour, owner, admin, organizationId } = world
  tour.chapter('Ownership')
  const path = `/organizations/${organizationId}` as const
  const leave: Call = { request: `POST ${path}/leave`, by: owner.session }
  await tour.refused('The last owner cannot leave.', leave, 409, 'last_owner')
  const step = { request: `PATCH ${path}/members/${owner.id}`, by: owner.session, json: { role: 'admin' } } as const
  await tour.refused('Nor become less.', step, 409, 'last_owner')
  await tour.step(
    'The owner hands the organization over to the admin.',
    { request: `POST ${path}/transfer`, by: owner.session, json: { user_id: admin.id } },
    {
      status: 200,
      reply: withRoles.refine(({ roles }) => roles.includes('admin') && !roles.includes('owner'), 'must be admin now'),
      tell: told,
    },
  )
  await tour.step('Now the former owner may leave.', leave, { status: 204 })
  const logs: Call = { request: 'GET /logs?page_size=1', by: at(world, owner) }
  await tour.refused('Who owns the account still manages it, but reads no logs.', logs, 403, 'forbidden')
}

export async function deletion(world: World): Promise<void> {
  const { tour, admin, viewer, organizationId, queryKey } = world
  tour.chapter('Deleting the organization, and having it back')
  const path = `/organizations/${organizationId}` as const
  const remove: Call = { request: `DELETE ${path}`, by: admin.session }
  await tour.refused('A viewer deletes nothing.', { ...remove, by: viewer.session }, 403, 'forbidden')
  await countLogs(world, queryKey, 'The key still reads.')
  await tour.step('The new owner deletes the organization.', remove, { status: 204 })
  const logs: Call = { request: 'GET /logs?page_size=1', by: at(world, admin) }
  await tour.refused('For a token that was good a moment ago it does not exist.', logs, 404, 'not_found')
  await tour.refused('Its key stops.', { ...logs, by: queryKey }, 401, 'invalid_api_key')
  await tour.step(
    'For 30 days it can be restored.',
    { request: `POST ${path}/restore`, by: admin.session },
    { status: 200, reply: withRoles.extend({ deleted_at: z.null() }), tell: told },
  )
  await countLogs(world, at(world, admin), 'With all its logs.')
}

/** Everybody takes the own data along and goes; with the last one goes the account. */
export async function farewell(world: World): Promise<void> {
  const { tour, owner, admin, viewer, organizationId, queryKey } = world
  tour.chapter('Leaving for good')
  await tour.step(
    'The viewer downloads all that is known of the own person.',
    { request: 'GET /auth/me/export', by: viewer.session },
    {
      status: 200,
      reply: z.record(z.string(), z.unknown()).refine((body) => JSON.stringify(body).includes(viewer.email), 'must tell the e-mail'),
      tell: (body) => `one file with ${Object.keys(body).join(', ')}`,
    },
  )
  await deleteSelf(world, viewer, 'And deletes the own user, with the account nobody else is in.')
  await tour.refused('The token has ended.', { request: 'GET /auth/me', by: viewer.session }, 401, 'invalid_token')
  const enter: Call = { request: 'POST /auth/login', json: { email: viewer.email, password: viewer.password } }
  await tour.refused('The password logs nobody in.', enter, 401, 'invalid_credentials')
  const back = 'The key of the restored organization is back: for some seconds after it was refused, that is remembered.'
  await countLogs(world, queryKey, back, apiKeyMissCacheMs + 2000)
  const early: Call = { request: 'DELETE /auth/me', by: owner.session }
  await tour.refused('The owner of the account must stay while another one is in it.', early, 409, 'last_owner')
  const last: Call = { request: 'DELETE /auth/me', by: admin.session }
  await tour.refused('Who alone owns what another account pays for cannot just go.', last, 409, 'last_owner')
  await tour.step(
    'So the organization is deleted first.',
    { request: `DELETE /organizations/${organizationId}`, by: admin.session },
    { status: 204 },
  )
  await tour.refused('Its key stops for good.', { request: 'GET /logs?page_size=1', by: queryKey }, 401, 'invalid_api_key')
  await deleteSelf(world, admin, 'Then the other one goes.')
  await deleteSelf(world, owner, 'Now the owner goes, with the account. Nothing of the tour is left but what the purge will remove.')
  await tour.refused('The token has ended.', { request: 'GET /auth/me', by: owner.session }, 401, 'invalid_token')
}

async function deleteSelf({ tour }: World, { session }: Person, say: string): Promise<void> {
  await tour.step(say, { request: 'DELETE /auth/me', by: session }, { status: 204 })
}
