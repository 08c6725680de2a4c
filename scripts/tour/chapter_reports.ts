import * as z from 'zod'
import { CommandError } from '../dev/terminal.ts'
import { readMails } from './mailbox.ts'
import type { Call } from './tour.ts'
import { at } from './world.ts'
import type { World } from './world.ts'

/** A search that comes by mail, and what the account sent in all. */
export async function reports(world: World): Promise<void> {
  const { tour, owner, admin, viewer } = world
  tour.chapter('Reports by mail')
  const definition = { q: 'level:>=error', columns: ['timestamp', 'message'], cron: '0 8 * * 1-5', time_zone: 'Europe/Berlin' }
  const create = (to: string, change = {}): Call => ({
    request: 'POST /reports',
    by: at(world, admin),
    json: { name: 'Failures', definition: { ...definition, to_emails: [to], ...change } },
  })
  const report = z.object({ id: z.string(), name: z.string(), next_at: z.string() })
  const { id } = await tour.step('The admin has the failures mailed each weekday morning.', create(owner.email), {
    status: 201,
    reply: report,
    tell: ({ next_at }) => `next at ${next_at}`,
  })
  await tour.refused('Each minute is too often.', create(owner.email, { cron: '* * * * *' }), 400, 'validation_failed')
  await tour.refused('The viewer schedules none.', { ...create(viewer.email), by: at(world, viewer) }, 403, 'forbidden')
  await tour.step(
    'One goes out at once.',
    { request: `POST /reports/${id}/run`, by: at(world, admin) },
    { status: 202, reply: z.object({ due_at: z.string() }) },
  )
  const [text = ''] = await readMails(tour, [{ to: owner.email, kind: 'report' }])
  if (!/^Content-Disposition: attachment;[^.]*\.csv/im.test(text))
    throw new CommandError('The mail of a report brings no CSV file.', 'Look at it in the outbox, and at src/jobs/report.ts.')
}
