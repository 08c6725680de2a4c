import { and, count, eq, gt, inArray, isNotNull, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { dayMs } from '../core/calendar.ts'
import type { EmailJob } from '../core/jobs.ts'
import {
  invitationMailsPerEmailMax,
  mailWindowMs,
  noticesPerEmailMax,
  noticesPerOwnerMax,
  organizationMailsDayMax,
  organizationMailsHourMax,
} from '../core/limits.ts'
import { budgetedKinds, noticeKinds } from '../core/mails.ts'
import type { MailKind, MailParams } from '../core/mails.ts'
import { sendJobs } from './jobs.ts'
import { seal, unseal } from './sealed.ts'
import type { BaseCtx } from './context.ts'
import { users } from './schema.ts'
import { mails } from './schema_content.ts'

/** A mail about to be written: its statement goes into the D1 batch of the act, its job to the queue once that is done. */
export interface NewMail {
  readonly job: EmailJob
  readonly statement: ReturnType<typeof mailStatement>
}

/** Whom a mail goes to, and what it is about. */
interface Addressee {
  to: string
  /** Organization or account; of a mail about a person always the user. */
  ownerId: string
  /** UUIDv7, where another row has the same one. */
  id?: string
  /** A mail with the same key was written already: this one is not. */
  onceKey?: string
}

/**
 * A mail with what its text needs. `source` is what follows the selected values (`from ... where ...`) and makes the mail
 * depend on the act: a job without its mail does nothing. Invitations and notices beyond the limits of their recipient are not
 * written, nor are alerts and reports beyond the budget of their organization; the act goes on without them, and says so where
 * somebody waits for them (`isWritten`, `unwritten`).
 */
export function newMail<K extends MailKind>(
  ctx: BaseCtx,
  kind: K,
  { to, ownerId, id = ctx.newId(), onceKey }: Addressee,
  params: MailParams<K>,
  source: SQL = sql`where true`,
): NewMail {
  const sealed = seal(ctx.config.sealingKeys, mailPlace(id), JSON.stringify(params))
  return { job: { kind, id }, statement: mailStatement(ctx, { id, kind, to, ownerId, sealed, onceKey: onceKey ?? null }, source) }
}

/** Whether the mail was written, as a condition for what follows it in its batch. */
export function isWritten({ job }: NewMail): SQL {
  return sql`exists (select 1 from ${mails} where ${eq(mails.id, job.id)})`
}

/** How many of the keys no mail was written with, as an expression for what follows the mails in their batch. */
export function unwritten(onceKeys: readonly string[]): SQL<number> {
  const keys = sql`json_each(${JSON.stringify(onceKeys)}) as "key"`
  return sql<number>`(select count(*) from ${keys} where not exists (select 1 from ${mails} where ${mails.onceKey} = "key".value))`
}

/** Why an alert or a report of an organization was not written. */
export const mailBudgetSpent =
  `The organization has sent the mails of alerts and reports that it may send: ${organizationMailsHourMax} in an hour and ` +
  `${organizationMailsDayMax} in a day.`

/**
 * Hands mails that are stored to the queue, behind the answer. A queue in trouble delays them until the next sweep (jobs/schedules.ts),
 * and changes no answer.
 */
export function queueMails(ctx: BaseCtx, written: readonly NewMail[]): void {
  if (written.length === 0) return
  ctx.waitUntil(
    sendJobs(
      ctx,
      'email-jobs',
      written.map(({ job }) => job),
    ),
  )
}

/** The parameters of a stored mail. */
export function mailParamsOf(ctx: Pick<BaseCtx, 'config'>, { id, sealedParams }: { id: string; sealedParams: string }): unknown {
  return JSON.parse(unseal(ctx.config.sealingKeys, mailPlace(id), sealedParams))
}

function mailPlace(id: string): string {
  return `mails/${id}`
}

function mailStatement(
  ctx: BaseCtx,
  {
    id,
    kind,
    to,
    ownerId,
    sealed,
    onceKey,
  }: { id: string; kind: MailKind; to: string; ownerId: string; sealed: string; onceKey: string | null },
  source: SQL,
) {
  const now = ctx.now()
  const isFirst = onceKey === null ? sql`true` : sql`not exists (select 1 from ${mails} where ${eq(mails.onceKey, onceKey)})`
  return ctx.db.insert(mails).select(
    // In the order of the table's columns, as drizzle wants it.
    sql`select ${id}, ${kind}, ${to}, ${ownerId}, ${sealed}, 'pending', null, ${now}, ${now},
        ${ctx.requestId}, ${onceKey}, 0, 0, null
      from (select 1 ${source}) where ${hasRoom(ctx, kind, to, ownerId)} and ${isFirst}`,
  )
}

/** Whether the recipient may get one more mail of this kind now, as a condition. */
function hasRoom(ctx: BaseCtx, kind: MailKind, to: string, ownerId: string): SQL {
  const fewer = (max: number, ...of: SQL[]) => {
    const lately = and(eq(mails.recipient, to), gt(mails.createdAt, ctx.now() - mailWindowMs), ...of)
    return sql`(${ctx.db.select({ count: count() }).from(mails).where(lately)}) < ${max}`
  }
  if (kind === 'invitation') return fewer(invitationMailsPerEmailMax, eq(mails.kind, kind))
  if (isOneOf(budgetedKinds, kind)) return hasBudget(ctx, ownerId)
  if (!isOneOf(noticeKinds, kind)) return sql`true`
  const isConfirmed = sql`exists (select 1 from ${users} where ${and(eq(users.email, to), isNotNull(users.emailVerifiedAt))})`
  const notices = inArray(mails.kind, [...noticeKinds])
  return sql`${isConfirmed} and ${fewer(noticesPerEmailMax, notices)} and ${fewer(noticesPerOwnerMax, notices, eq(mails.ownerId, ownerId))}`
}

/** Counted in an index alone, up to what a day allows. */
function hasBudget(ctx: BaseCtx, ownerId: string): SQL {
  const fewer = (max: number, ms: number) => {
    const own = and(eq(mails.ownerId, ownerId), inArray(mails.kind, [...budgetedKinds]), gt(mails.createdAt, ctx.now() - ms))
    return sql`(${ctx.db.select({ count: count() }).from(mails).where(own)}) < ${max}`
  }
  return sql`${fewer(organizationMailsHourMax, mailWindowMs)} and ${fewer(organizationMailsDayMax, dayMs)}`
}

function isOneOf(kinds: readonly MailKind[], kind: MailKind): boolean {
  return kinds.includes(kind)
}
