import * as z from 'zod'
import { readMails, tokenIn } from './mailbox.ts'
import type { Call } from './tour.ts'
import { at, login, page } from './world.ts'
import type { World } from './world.ts'

const invitation = z.object({ id: z.string(), email: z.string(), role: z.string(), status: z.literal('pending') })
const told = ({ email, role, status }: z.output<typeof invitation>) => `${email} as ${role}, ${status}`

/** A second organization, and how colleagues come into it. */
export async function organization(world: World): Promise<void> {
  const { tour, owner } = world
  tour.chapter('A second organization')
  const name = `Tour ${world.run} shop`
  const { id } = await tour.step(
    'The owner makes another organization in the account.',
    { request: 'POST /organizations', by: owner.session, json: { name } },
    {
      status: 201,
      reply: z.object({ id: z.string(), name: z.literal(name), roles: z.array(z.string()) }),
      tell: (body) => `${body.id}, roles ${body.roles.join(' and ')}`,
    },
  )
  world.organizationId = id
  const list = page(z.object({ name: z.string() }))
  await tour.step(
    'Now there are two.',
    { request: 'GET /organizations?ordering=name', by: owner.session },
    { status: 200, reply: list.extend({ count: z.literal(2) }), tell: ({ results }) => results.map((each) => each.name).join(', ') },
  )
  await tour.refused(
    'For somebody else it does not exist.',
    { request: `GET /organizations/${id}`, by: world.viewer.session },
    404,
    'not_found',
  )
  await invite(world)
}

async function invite(world: World): Promise<void> {
  const { tour, owner, admin, viewer } = world
  tour.chapter('Invitations')
  const path = `/organizations/${world.organizationId}/invitations` as const
  const request = `POST ${path}` as const
  const of = (email: string, role: string): Call => ({ request, by: owner.session, json: { email, role } })
  const right = { status: 201, reply: invitation, tell: told }
  await tour.refused('Nobody invites oneself.', of(owner.email, 'admin'), 422, 'unprocessable')
  const first = await tour.step('The owner invites a colleague, who is new here, as admin.', of(admin.email, 'admin'), right)
  await tour.step('And the other person, who has an account already, as viewer: the same answer.', of(viewer.email, 'viewer'), right)
  const third = await tour.step('And a third one by mistake.', of(`tour-${world.run}-mistake@example.com`, 'member'), right)
  await tour.step('That one is revoked.', { request: `DELETE ${path}/${third.id}`, by: owner.session }, { status: 204 })
  await tour.step(
    'The first one is sent again.',
    { request: `POST ${path}/${first.id}/resend`, by: owner.session },
    { ...right, status: 200 },
  )
  await tour.step(
    'Two are open.',
    { request: `GET ${path}`, by: owner.session },
    { status: 200, reply: page(invitation).extend({ count: z.literal(2) }), tell: ({ results }) => results.map(told).join('; ') },
  )
  const [adminMail, olderMail, viewerMail, mistake] = await readMails(tour, [
    { to: admin.email, kind: 'invitation', count: 2 },
    { to: viewer.email, kind: 'invitation' },
    { to: third.email, kind: 'invitation' },
  ])
  await refuseDeadTokens(world, { revoked: tokenIn(mistake), replaced: tokenIn(olderMail) })
  await accept(world, { adminToken: tokenIn(adminMail), viewerToken: tokenIn(viewerMail) })
}

async function refuseDeadTokens({ tour, admin }: World, { revoked, replaced }: { revoked: string; replaced: string }): Promise<void> {
  const register = (token: string, password: string): Call => ({ request: 'POST /invitations/register', json: { token, password } })
  const code = 'invalid_one_time_token'
  await tour.refused('The token of the revoked invitation is worth nothing.', register(revoked, admin.password), 400, code)
  await tour.refused('Nor is the one that was replaced when it was sent again.', register(replaced, admin.password), 400, code)
}

async function accept(world: World, { adminToken, viewerToken }: { adminToken: string; viewerToken: string }): Promise<void> {
  const { tour, admin, viewer, owner } = world
  const preview = z.object({
    role: z.literal('admin'),
    user_exists: z.literal(false),
    organization_name: z.string(),
    invited_by: z.string(),
  })
  await tour.step(
    'Whoever has the token sees what it invites to.',
    { request: 'POST /invitations/preview', json: { token: adminToken } },
    { status: 200, reply: preview, tell: (body) => `${body.invited_by} invites to ${body.organization_name} as ${body.role}` },
  )
  const joined = (role: string) => ({
    reply: z.object({ role: z.literal(role), organization_id: z.literal(world.organizationId), user_id: z.string() }),
    tell: (body: { role: string }) => `a member as ${body.role}`,
  })
  const register: Call = {
    request: 'POST /invitations/register',
    json: { token: adminToken, password: admin.password, name: 'Tour admin' },
  }
  const { user_id } = await tour.step('The new colleague accepts with a password of the own.', register, {
    status: 201,
    ...joined('admin'),
  })
  admin.id = user_id
  await login(world, admin)
  const asViewer: Call = { request: 'POST /invitations/accept', by: viewer.session, json: { token: viewerToken } }
  const asAdmin = { ...asViewer, by: admin.session }
  await tour.refused('With a token that was mailed to somebody else nobody comes in.', asAdmin, 403, 'forbidden')
  await tour.step('The other person accepts, logged in.', asViewer, { status: 200, ...joined('viewer') })
  await tour.refused('And only once.', asViewer, 400, 'invalid_one_time_token')
  const member = z.object({ email: z.string(), role: z.string() })
  await tour.step(
    'The members, the highest role first.',
    { request: `GET /organizations/${world.organizationId}/members?ordering=role`, by: owner.session },
    {
      status: 200,
      reply: page(member).refine(
        ({ results }) => results.map(({ role }) => role).join() === 'owner,admin,viewer',
        'must be owner, admin, viewer',
      ),
      tell: ({ results }) => results.map(({ email, role }) => `${email} ${role}`).join(', '),
    },
  )
}

/** What a role does not allow, and a team whose manager it does. */
export async function rolesAndTeams(world: World): Promise<void> {
  const { tour, owner, admin, viewer, organizationId } = world
  tour.chapter('Roles and teams')
  const byViewer = at(world, viewer)
  const invite: Call = {
    request: `POST /organizations/${organizationId}/invitations`,
    by: byViewer,
    json: { email: `tour-${world.run}-friend@example.com`, role: 'viewer' },
  }
  await tour.refused('A viewer invites nobody.', invite, 403, 'forbidden')
  await tour.refused('Nor sends logs.', { request: 'POST /logs', by: byViewer, json: { message: 'no' } }, 403, 'forbidden')
  const owned: Call = { request: `PATCH /organizations/${organizationId}/members/${admin.id}`, by: admin.session, json: { role: 'owner' } }
  await tour.refused('An admin does not make the own role an owner.', owned, 403, 'forbidden')

  const team = z.object({ id: z.string(), name: z.string(), member_count: z.int() })
  const { id } = await tour.step(
    'The admin makes a team.',
    { request: 'POST /teams', by: at(world, admin), json: { name: 'On call', description: 'Who answers at night' } },
    { status: 201, reply: team, tell: ({ name, member_count: count }) => `${name}, ${count} members` },
  )
  const add: Call = { request: `POST /teams/${id}/members`, by: byViewer, json: { user_id: owner.id } }
  await tour.refused('The viewer may not fill it ...', add, 403, 'forbidden')
  const manager: Call = { ...add, by: at(world, admin), json: { user_id: viewer.id, role: 'manager' } }
  await tour.step('... until made its manager.', manager, { status: 201, reply: z.object({ role: z.literal('manager') }) })
  await tour.step('Now the viewer adds the owner.', add, { status: 201, reply: z.object({ role: z.literal('member') }) })
  await tour.step(
    'The team.',
    { request: `GET /teams/${id}/members?ordering=email`, by: byViewer },
    {
      status: 200,
      reply: page(z.object({ email: z.string(), role: z.string() })).extend({ count: z.literal(2) }),
      tell: ({ results }) => results.map(({ email, role }) => `${email} ${role}`).join(', '),
    },
  )
}
