import * as z from 'zod'
import type { Call } from './tour.ts'
import { at, login, page } from './world.ts'
import type { World } from './world.ts'

const phone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'

/** Devices, and what ends at once. */
export async function sessions(world: World): Promise<void> {
  const { tour, admin } = world
  tour.chapter('Sessions and devices')
  const onPhone = await login(world, admin, { say: 'The admin logs in on a phone as well.', keep: false, userAgent: phone })
  const session = z.object({ id: z.string(), browser: z.string().nullable(), system: z.string().nullable(), is_current: z.boolean() })
  const { results } = await tour.step(
    'The list of sessions tells the devices apart.',
    { request: 'GET /auth/sessions', by: admin.session },
    {
      status: 200,
      reply: page(session).refine(
        (body) => body.results.filter(({ is_current: current }) => !current).length === 1,
        'must be one other session',
      ),
      tell: (body) =>
        body.results
          .map((each) => `${each.browser ?? 'unknown'} on ${each.system ?? 'unknown'}${each.is_current ? ' (this one)' : ''}`)
          .join(', '),
    },
  )
  const renew: Call = { request: 'POST /auth/refresh', json: { refresh_token: onPhone.refreshToken } }
  const tokens = z.object({ access_token: z.string(), refresh_token: z.string() })
  const renewed = await tour.step('The phone renews its tokens.', renew, {
    status: 200,
    reply: tokens,
    tell: (body) => `token ${body.access_token}`,
  })
  const other = results.find(({ is_current: current }) => !current)
  await tour.step(
    'The admin ends the session of the phone.',
    { request: `DELETE /auth/sessions/${other?.id}`, by: admin.session },
    { status: 204 },
  )
  const look: Call = { request: 'GET /auth/me', by: { bearer: renewed.access_token } }
  await tour.refused('Its access token stops at once, long before it expires.', look, 401, 'invalid_token')
  const again: Call = { ...renew, json: { refresh_token: renewed.refresh_token } }
  await tour.refused('So does its refresh token.', again, 401, 'invalid_refresh_token')
  await demote(world)
}

async function demote(world: World): Promise<void> {
  const { tour, owner, admin, organizationId } = world
  tour.chapter('Another role in the middle of a session')
  const invitations: Call = { request: `GET /organizations/${organizationId}/invitations`, by: admin.session }
  await tour.step('The admin looks at the invitations.', invitations, {
    status: 200,
    tell: ({ count }) => `${count} open`,
    reply: z.object({ count: z.int() }),
  })
  const member = (role: string): [Call, { status: number; reply: z.ZodType<{ role: string }> }] => [
    { request: `PATCH /organizations/${organizationId}/members/${admin.id}`, by: owner.session, json: { role } },
    { status: 200, reply: z.object({ role: z.literal(role) }) },
  ]
  await tour.step('The owner makes the admin a viewer.', ...member('viewer'))
  await tour.refused('The same token may not look any more.', invitations, 403, 'forbidden')
  const logs: Call = { request: 'GET /logs?page_size=1', by: at(world, admin) }
  await tour.step('It reads logs, as viewers do.', logs, { status: 200 })
  await tour.step('The owner takes it back.', ...member('admin'))
  await tour.step('And the same token looks again.', invitations, { status: 200 })
}
