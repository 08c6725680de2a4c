import * as z from 'zod'
import { readMails, tokenIn } from './mailbox.ts'
import type { Call, Caller } from './tour.ts'
import { login, newPassword } from './world.ts'
import type { World } from './world.ts'

const answer = z.object({ detail: z.string() })

/** Passwords changed and forgotten, and another e-mail address. */
export async function passwords(world: World): Promise<void> {
  const { tour, viewer } = world
  tour.chapter('Passwords')
  const other = await login(world, viewer, { say: 'The viewer logs in a second time.', keep: false })
  const changed = newPassword()
  const change: Call = {
    request: 'POST /auth/change-password',
    by: viewer.session,
    json: { current_password: viewer.password, new_password: changed },
  }
  await tour.step('And changes the password in the first session.', change, { status: 204 })
  viewer.password = changed
  await stopped(world, other, 'The other session has ended.')
  await tour.step('This one goes on.', me(viewer.session), { status: 200 })
  await forgotten(world)
}

function me(by: Caller): Call {
  return { request: 'GET /auth/me', by }
}

async function stopped({ tour }: World, by: Caller, say: string): Promise<void> {
  await tour.refused(say, me(by), 401, 'invalid_token')
}

/** A reset and a change of e-mail together, as both wait for mails. */
async function forgotten(world: World): Promise<void> {
  const { tour, owner, viewer, run } = world
  const request = 'POST /auth/password-reset'
  const ask = (email: string): Call => ({ request, json: { email } })
  const { detail } = await tour.step('The viewer forgets it and asks for a mail.', ask(viewer.email), { status: 202, reply: answer })
  const same = answer.extend({ detail: z.literal(detail) })
  await tour.step('For an e-mail that nobody has the answer is the same.', ask(`tour-${run}-nobody@example.com`), {
    status: 202,
    reply: same,
  })
  const newEmail = `tour-${run}-owner-new@example.com`
  await tour.step(
    'Meanwhile the owner wants another e-mail address.',
    { request: 'POST /auth/change-email', by: owner.session, json: { new_email: newEmail } },
    { status: 202, reply: answer, tell: (body) => `"${body.detail}"` },
  )
  const [reset, forOld, forNew] = await readMails(tour, [
    { to: viewer.email, kind: 'reset_password' },
    { to: owner.email, kind: 'change_email_old' },
    { to: newEmail, kind: 'change_email_new' },
  ])
  await resetPassword(world, tokenIn(reset))
  await moveMailbox(world, { newEmail, forOld: tokenIn(forOld), forNew: tokenIn(forNew) })
}

async function resetPassword(world: World, token: string): Promise<void> {
  const { tour, viewer } = world
  const password = newPassword()
  const confirm: Call = { request: 'POST /auth/password-reset/confirm', json: { token, password } }
  await tour.step('With the token of the mail the viewer chooses a new password.', confirm, { status: 204 })
  viewer.password = password
  await tour.refused('The token works once.', confirm, 400, 'invalid_one_time_token')
  await stopped(world, viewer.session, 'All sessions have ended.')
  await login(world, viewer, { say: 'The new password logs in.' })
}

async function moveMailbox(
  world: World,
  { newEmail, forOld, forNew }: { newEmail: string; forOld: string; forNew: string },
): Promise<void> {
  const { tour, owner } = world
  tour.chapter('Another e-mail address')
  const confirm = (token: string): Call => ({ request: 'POST /auth/change-email/confirm', json: { token } })
  const reply = (changed: boolean) => answer.extend({ changed: z.literal(changed) })
  const tell = (body: { detail: string }) => `"${body.detail}"`
  await tour.step('The present mailbox confirms: nothing changes yet.', confirm(forOld), { status: 200, reply: reply(false), tell })
  await tour.step('The new one confirms too: now the e-mail is changed.', confirm(forNew), { status: 200, reply: reply(true), tell })
  await tour.refused('The tokens work once.', confirm(forNew), 400, 'invalid_one_time_token')
  await stopped(world, owner.session, 'All sessions have ended.')
  owner.email = newEmail
  await login(world, owner, { say: 'The new address logs in, with a recovery code.', codes: { recovery_code: owner.recoveryCodes.pop() } })
  await tour.step(
    'The owner removes the second factor, with another one.',
    { request: 'DELETE /auth/totp', by: owner.session, json: { recovery_code: owner.recoveryCodes.pop() } },
    { status: 204 },
  )
}
