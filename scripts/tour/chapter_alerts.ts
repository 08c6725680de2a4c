import * as z from 'zod'
import { readMails } from './mailbox.ts'
import type { Call } from './tour.ts'
import { at, page } from './world.ts'
import type { World } from './world.ts'

const id = z.object({ id: z.string() })

/** A rule over the logs: what it would have done, whom it tells, and when it is quiet. */
export async function alerts(world: World): Promise<void> {
  const { tour, admin, viewer } = world
  tour.chapter('Alerts')
  const channel = await channelOf(world)
  const definition = { q: 'level:>=error', threshold: 0, severity: 'critical', channel_ids: [channel], renotify_seconds: 3600 }
  const create: Call = { request: 'POST /alerts', by: at(world, admin), json: { name: 'Checkout fails', definition } }
  const rule = z.object({ id: z.string(), condition: z.string(), state: z.literal('inactive') })
  const made = await tour.step('The admin wants to know of every failure.', create, {
    status: 201,
    reply: rule,
    tell: ({ condition }) => condition,
  })
  const broken = { ...create, json: { name: 'Broken', definition: { ...definition, q: '(level:error' } } }
  await tour.refused('A query that cannot be read makes no rule.', broken, 400, 'validation_failed')
  await tour.refused('The viewer makes none.', { ...create, by: at(world, viewer) }, 403, 'forbidden')
  await tried(world, made.id, definition)
  await quiet(world, made.id)
  const remove: Call = { request: `DELETE /notification-channels/${channel}`, by: at(world, admin) }
  await tour.refused('The channel stays while a rule names it.', remove, 409, 'conflict')
  await tour.step('The rule is deleted.', { request: `DELETE /alerts/${made.id}`, by: at(world, admin) }, { status: 204 })
  await tour.step('And then the channel.', remove, { status: 204 })
}

/** Mail to the owner, who is a member and need not be asked. */
async function channelOf(world: World): Promise<string> {
  const { tour, owner, admin } = world
  const json = { name: 'On call', kind: 'email', to: [owner.email] }
  const to = z.array(z.object({ email: z.string(), confirmed: z.literal(true) }))
  const made = await tour.step(
    'The admin makes a channel that mails the owner.',
    { request: 'POST /notification-channels', by: at(world, admin), json },
    { status: 201, reply: id.extend({ to }) },
  )
  return made.id
}

async function tried(world: World, ruleId: string, definition: object): Promise<void> {
  const { tour, owner, admin } = world
  const windows = z.array(z.object({ state: z.string() })).min(1)
  await tour.step(
    'When would it have fired in the last hour?',
    { request: 'POST /alerts/preview', by: at(world, admin), json: { definition } },
    {
      status: 200,
      reply: z.object({ windows }),
      tell: (body) => `in ${body.windows.filter(({ state }) => state === 'firing').length} of ${body.windows.length} windows`,
    },
  )
  await tour.step(
    'The rule is tried out, with its channel.',
    { request: `POST /alerts/${ruleId}/test`, by: at(world, admin), json: { notify: true } },
    { status: 200, reply: z.object({ error: z.null(), channels: z.array(z.object({ channel_id: z.string() })).length(1) }) },
  )
  await readMails(tour, [{ to: owner.email, kind: 'alert' }])
}

async function quiet(world: World, ruleId: string): Promise<void> {
  const { tour, admin, viewer } = world
  const short: Call = {
    request: `POST /alerts/${ruleId}/silence`,
    by: at(world, admin),
    json: { duration_minutes: 30, comment: 'Deployment' },
  }
  const silence = z.object({ id: z.string(), active: z.literal(true), active_until: z.string() })
  await tour.step('A deployment is no reason to be told.', short, {
    status: 201,
    reply: silence,
    tell: (one) => `until ${one.active_until}`,
  })
  await tour.refused('The viewer silences nothing.', { ...short, by: at(world, viewer) }, 403, 'forbidden')
  const recurrence = { cron: '0 2 * * SUN', time_zone: 'Europe/Berlin', duration_minutes: 120 }
  await tour.step(
    'On Sunday nights there is maintenance.',
    { request: 'POST /silences', by: at(world, admin), json: { comment: 'Backups', recurrence } },
    { status: 201, reply: id.extend({ recurrence: z.object({ cron: z.literal(recurrence.cron) }) }) },
  )
  await tour.step(
    'The viewer sees that the rule is silenced.',
    { request: `GET /alerts/${ruleId}`, by: at(world, viewer) },
    { status: 200, reply: z.object({ enabled: z.boolean(), silenced: z.literal(true), state: z.string() }) },
  )
  const off = z.object({ enabled: z.literal(false), state: z.literal('inactive') })
  await tour.step(
    'The admin turns it off.',
    { request: `PATCH /alerts/${ruleId}`, by: at(world, admin), json: { enabled: false } },
    { status: 200, reply: off },
  )
  await tour.step(
    'What happened to it is on record.',
    { request: `GET /alerts/${ruleId}/history`, by: at(world, viewer) },
    { status: 200, reply: page(z.object({ from: z.string(), to: z.string() })), tell: ({ count }) => `${count} changes of state` },
  )
}
