import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'
import { CommandError } from '../dev/terminal.ts'
import type { Tour } from './tour.ts'

/** Mails of one kind to one address, the newest first. */
export interface Wanted {
  to: string
  kind: string
  count?: number
}

const everyMs = 1000
/** The queue waits five seconds for more mails before it delivers. */
const withinMs = 45_000

const mail = z.object({ id: z.string(), kind: z.string(), to: z.string(), status: z.string() })
const outbox = z.object({ results: z.array(mail) })
type Mail = z.output<typeof mail>

/**
 * Waits until all these mails are delivered to the development outbox, reads each, and answers their texts in the order of
 * `wanted`. Asking for all at once keeps the waits of a tour few.
 */
export async function readMails(tour: Tour, wanted: readonly Wanted[]): Promise<string[]> {
  const texts: string[] = []
  for (const { id, kind, to } of await untilDelivered(tour, wanted)) {
    const reply = z.string().includes(`To: ${to}`)
    const tell = (text: string) => `"${/^Subject: (.*)$/m.exec(text)?.[1]?.trim() ?? ''}"`
    texts.push(await tour.step(`The mail ${kind} to ${to} is read.`, { request: `GET /dev/outbox/${id}` }, { status: 200, reply, tell }))
  }
  return texts
}

/** The single-use token that a mail brings. */
export function tokenIn(text: string | undefined): string {
  const token = /"token": "([\w-]{43})"/.exec(text ?? '')?.[1]
  if (token === undefined)
    throw new CommandError('A mail that must bring a token has none.', 'Look at its text in src/features/mails/mail_texts.ts.')
  return token
}

async function untilDelivered(tour: Tour, wanted: readonly Wanted[]): Promise<Mail[]> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const { results } = await tour.ask({ request: 'GET /dev/outbox?page_size=200' }, outbox)
    const found = wanted.map(({ to, kind, count = 1 }) => {
      return results.filter((each) => each.to === to && each.kind === kind && each.status === 'sent').slice(0, count)
    })
    if (wanted.every(({ count = 1 }, i) => found[i]?.length === count)) return found.flat()
    if (Date.now() > deadline) throw missing(wanted, results)
    await wait(everyMs)
  }
}

function missing(wanted: readonly Wanted[], results: readonly Mail[]): CommandError {
  const want = wanted.map(({ to, kind, count = 1 }) => `  ${count} ${kind} to ${to}`)
  const there = results.slice(0, 20).map(({ to, kind, status }) => `  ${kind} to ${to}: ${status}`)
  return new CommandError(
    `These mails were not delivered within ${withinMs / 1000} s:\n${want.join('\n')}\nThe newest of the outbox:\n${there.join('\n')}`,
    'The development server delivers mails behind its queue email-jobs; its own messages stand in server.log beside its data.',
  )
}
