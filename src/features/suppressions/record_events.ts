import { sql } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'
import { mails } from '../../db/schema_content.ts'
import { mailEvents, mailSuppressions } from '../../db/schema_jobs.ts'
import { eventsSchema, mailEventOf } from './sendgrid_events.ts'
import type { MailEvent } from './sendgrid_events.ts'
import { isSignedBySendgrid } from './signature.ts'
import type { SignedBody } from './signature.ts'
import { standsAbove } from './suppress.ts'

/**
 * Takes in what SendGrid reports: missing mailboxes, complaints and unsubscriptions stop mails, and a mail that bounced is shown as
 * failed. Each event counts once, so that one that comes again does not stop what staff let through since. Throws 404 where no key
 * is configured, 403 without a good signature.
 */
export async function recordSendgridEvents(ctx: BaseCtx, signed: SignedBody): Promise<void> {
  const key = ctx.config.mail.sendgridWebhookKey
  if (key === undefined) throw problem('not_found', 'There is nothing at this address.')
  if (!isSignedBySendgrid(key, signed, ctx.now())) throw problem('forbidden', 'The signature is missing, wrong or old.')
  const events = parseEvents(signed.body)
    .map(mailEventOf)
    .filter((event) => event !== undefined)
  ctx.log.add({ mail_events: events.length })
  if (events.length > 0) await record(ctx, events)
}

function parseEvents(body: Uint8Array): unknown[] {
  try {
    return eventsSchema.parse(JSON.parse(new TextDecoder().decode(body)))
  } catch (cause) {
    throw problem('validation_failed', 'The body is not a list of events, or too long a one.', { cause })
  }
}

async function record(ctx: BaseCtx, events: readonly MailEvent[]): Promise<void> {
  const rows = sql`json_each(${JSON.stringify(events)}) as event`
  const field = (name: keyof MailEvent) => sql`event.value ->> ${`$.${name}`}`
  const isNew = sql`not exists (select 1 from ${mailEvents} where ${mailEvents.id} = ${field('id')})`
  const ofMail = sql`from ${rows} where ${field('mailId')} = ${mails.id} and ${isNew}`
  await ctx.db.batch([
    ctx.db
      .insert(mailSuppressions)
      .select(sql`select ${field('email')}, 'all', ${field('reason')}, ${field('detail')}, ${ctx.now()} from ${rows} where ${isNew}`)
      .onConflictDoUpdate({
        target: [mailSuppressions.email, mailSuppressions.scope],
        set: { reason: sql`excluded.reason`, detail: sql`excluded.detail`, createdAt: sql`excluded.created_at` },
        setWhere: standsAbove,
      }),
    ctx.db
      .update(mails)
      .set({ status: 'failed', error: sql`(select ${field('detail')} ${ofMail} limit 1)`, updatedAt: ctx.now() })
      .where(sql`${mails.status} = 'sent' and exists (select 1 ${ofMail})`),
    ctx.db
      .insert(mailEvents)
      .select(sql`select ${field('id')}, ${ctx.now()} from ${rows} where true`)
      .onConflictDoNothing(),
  ])
}
