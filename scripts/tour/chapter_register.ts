import * as z from 'zod'
import { readMails, tokenIn } from './mailbox.ts'
import { login } from './world.ts'
import type { Person, World } from './world.ts'

const answer = z.object({ detail: z.string() })
const tell = ({ detail }: z.output<typeof answer>) => `"${detail}"`

/** From the registration to the first login and the profile. */
export async function register(world: World): Promise<void> {
  const { tour, owner, viewer } = world
  tour.chapter('Registering')
  const body = { email: owner.email, password: owner.password, name: 'Tour owner', organization_name: `Tour ${world.run}` }
  const request = 'POST /auth/register'
  const weak = { ...body, password: 'password123' }
  await tour.refused('A password that everybody uses is refused.', { request, json: weak }, 400, 'validation_failed')
  const first = await tour.step('Somebody registers with an organization.', { request, json: body }, { status: 201, reply: answer, tell })
  const same = answer.extend({ detail: z.literal(first.detail) })
  await tour.step(
    'The same e-mail once more: the answer does not tell that it is known.',
    { request, json: body },
    { status: 201, reply: same },
  )
  const other = { email: viewer.email, password: viewer.password, name: 'Tour viewer' }
  await tour.step('Another person registers, who will be invited later.', { request, json: other }, { status: 201, reply: answer })
  await verify(world)
  await enter(world)
  await profile(world)
}

async function verify({ tour, owner, viewer }: World): Promise<void> {
  const [ownerMail, , viewerMail] = await readMails(tour, [
    { to: owner.email, kind: 'welcome' },
    { to: owner.email, kind: 'registration_known' },
    { to: viewer.email, kind: 'welcome' },
  ])
  const call = { request: 'POST /auth/verify-email', json: { token: tokenIn(ownerMail) } } as const
  await tour.step('The token of the mail confirms the e-mail.', call, { status: 204 })
  await tour.refused('It works once: the replay is refused.', call, 400, 'invalid_one_time_token')
  await tour.step('The other person confirms too.', { ...call, json: { token: tokenIn(viewerMail) } }, { status: 204 })
}

async function enter(world: World): Promise<void> {
  const { tour, owner } = world
  const wrong = { request: 'POST /auth/login', json: { email: owner.email, password: 'not the password' } } as const
  const detail = await tour.refused('A wrong password is refused.', wrong, 401, 'invalid_credentials')
  const unknown = unknownLogin(world)
  await tour.refused('And so is an e-mail that nobody has, in the same words.', unknown, 401, 'invalid_credentials', detail)
  await login(world, owner)
  await login(world, world.viewer)
  await tour.refused('Without a token nobody learns anything.', { request: 'GET /auth/me' }, 401, 'unauthenticated')
}

function unknownLogin({ run }: World) {
  return { request: 'POST /auth/login', json: { email: `tour-${run}-nobody@example.com`, password: 'not the password' } } as const
}

async function profile({ tour, owner, viewer }: World): Promise<void> {
  tour.chapter('The profile')
  const me = z.object({
    id: z.string(),
    email_verified: z.literal(true),
    memberships: z.array(z.object({ role: z.literal('owner') })).length(1),
  })
  for (const person of [owner, viewer] satisfies Person[]) {
    const { id } = await tour.step(
      `The ${person.who} looks at the own profile: e-mail confirmed, owner of one organization.`,
      { request: 'GET /auth/me', by: person.session },
      { status: 200, reply: me, tell: (body) => `id ${body.id}` },
    )
    person.id = id
  }
  const change = { phone: '+4915112345678', birth_date: '1990-05-17', locale: 'de-CH', time_zone: 'Europe/Zurich' }
  const request = 'PATCH /auth/me'
  await tour.step(
    'The owner completes it.',
    { request, by: owner.session, json: { ...change, notification_preferences: { weekly_digest: false } } },
    {
      status: 200,
      reply: z.object({
        phone: z.literal(change.phone),
        birth_date: z.literal(change.birth_date),
        locale: z.literal(change.locale),
        time_zone: z.literal(change.time_zone),
        notification_preferences: z.object({ weekly_digest: z.literal(false), alerts: z.literal(true) }),
      }),
      tell: (body) => `${body.phone}, ${body.birth_date}, ${body.locale}, ${body.time_zone}, no weekly digest`,
    },
  )
  const staff = { request, by: owner.session, json: { is_staff: true } } as const
  await tour.refused('Nobody makes oneself staff with it.', staff, 400, 'validation_failed')
}
