import * as z from 'zod'
import { scan } from './authenticator.ts'
import type { Call } from './tour.ts'
import { at, login } from './world.ts'
import type { Person, World } from './world.ts'

/** Codes of an authenticator, for one person and then for a whole organization. */
export async function secondFactor(world: World): Promise<void> {
  const { tour, owner } = world
  tour.chapter('A second factor')
  await confirmPassword(world, owner)
  await setUp(world, owner)
  const withoutCode: Call = { request: 'POST /auth/login', json: { email: owner.email, password: owner.password } }
  await tour.refused('The password alone does not log in any more.', withoutCode, 401, 'second_factor_needed')
  const codes = { totp_code: await owner.authenticator?.nextCode() }
  await login(world, owner, { say: 'With a code it does.', codes })
  const replay: Call = { ...withoutCode, json: { email: owner.email, password: owner.password, ...codes } }
  await tour.refused('The same code once more does not, though its time has not passed.', replay, 401, 'second_factor_needed')
  const recovery = { recovery_code: owner.recoveryCodes.pop() }
  await login(world, owner, { say: 'Without the authenticator a recovery code logs in.', codes: recovery })
  const again: Call = { ...replay, json: { email: owner.email, password: owner.password, ...recovery } }
  await tour.refused('That works once, too.', again, 401, 'second_factor_needed')
  await requireIt(world)
}

/** What is dangerous asks for the password again when it was proved more than a quarter of an hour ago. */
async function confirmPassword({ tour }: World, { who, password, session }: Person): Promise<void> {
  await tour.step(
    `The ${who} proves the password again: for 15 minutes this session may set up factors, make keys and delete.`,
    { request: 'POST /auth/confirm-password', by: session, json: { password } },
    { status: 200, reply: z.object({ valid_until: z.string() }), tell: (body) => `until ${body.valid_until}` },
  )
}

async function setUp({ tour }: World, person: Person): Promise<void> {
  const begun = z.object({ otpauth_uri: z.string().startsWith('otpauth://totp/'), expires_at: z.string() })
  const by = person.session
  const { otpauth_uri: uri } = await tour.step(
    `The ${person.who} begins to set up a second factor.`,
    { request: 'POST /auth/totp', by },
    { status: 201, reply: begun, tell: (body) => `to be confirmed until ${body.expires_at}` },
  )
  person.authenticator = scan(uri)
  const { recovery_codes: codes } = await tour.step(
    'A code of the authenticator enables it.',
    { request: 'POST /auth/totp/confirm', by, json: { code: await person.authenticator.nextCode() } },
    {
      status: 200,
      reply: z.object({ recovery_codes: z.array(z.string()).min(5) }),
      tell: (body) => `${body.recovery_codes.length} recovery codes, shown once`,
    },
  )
  person.recoveryCodes = codes
}

async function requireIt(world: World): Promise<void> {
  const { tour, owner, admin, organizationId } = world
  const required = z.object({ require_second_factor: z.boolean() })
  const set = (value: boolean): [Call, { status: number; reply: z.ZodType }] => [
    { request: `PATCH /organizations/${organizationId}`, by: owner.session, json: { require_second_factor: value } },
    { status: 200, reply: required.extend({ require_second_factor: z.literal(value) }) },
  ]
  await tour.step('The owner requires a second factor of everybody in the organization.', ...set(true))
  const logs: Call = { request: 'GET /logs?page_size=1', by: at(world, admin) }
  await tour.refused('The admin, who has none, is refused from the next request on.', logs, 403, 'second_factor_required')
  await setUp(world, admin)
  await tour.step('The same session may again.', logs, { status: 200 })
  const byViewer: Call = { ...logs, by: at(world, world.viewer) }
  await tour.refused('The viewer has none either.', byViewer, 403, 'second_factor_required')
  await tour.step('The owner takes the requirement back.', ...set(false))
  await tour.step('And the viewer reads again.', byViewer, { status: 200 })
}
