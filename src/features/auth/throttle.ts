import { and, eq, gt, lte, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { addressGroup } from '../../core/address.ts'
import { loginCleanupRowsMax, loginPendingMs, retryAfterSeconds } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'
import { loginAttempts as attempts } from '../../db/schema_identity.ts'
import { sha256 } from './hash.ts'
import { throttles, throttleWindowMsMax } from './throttle_kinds.ts'
import type { ThrottleKind } from './throttle_kinds.ts'

/** One act of a throttled kind: it holds a place of its subject and one of its source. */
export interface Attempt {
  kind: ThrottleKind
  id: string
  subjectHash: string
  source: string
  startedMs: number
}

/** What an act is counted by: `subject` is the text of an e-mail; the source is the caller's address unless another is named. */
export interface Throttled {
  kind: ThrottleKind
  subject: string
  source?: string
}

/** What the window holds of the subject and of the source: all attempts, and those that failed. */
interface Usage {
  subjectCount: number
  subjectFailures: number
  subjectOldestMs: number | null
  sourceCount: number
  sourceFailures: number
  sourceOldestMs: number | null
}

/**
 * Takes a place for an act that the limits of its kind count, in one D1 round trip; throws 429 when the subject or the source
 * has none left. The place stays taken for the window. Subjects count by their text, so it does not tell who is known.
 */
export async function takePlace(ctx: BaseCtx, throttled: Throttled): Promise<void> {
  const { attempt, taken, usage } = await tryPlace(ctx, throttled)
  if (!taken) throw tooMany(attempt, usage)
}

/** The same for acts that are answered alike beyond the limit of their subject, and do nothing: false then. */
export async function takePlaceQuietly(ctx: BaseCtx, throttled: Throttled): Promise<boolean> {
  const { attempt, taken, usage } = await tryPlace(ctx, throttled)
  if (!taken && (usage?.sourceCount ?? 0) >= throttles[attempt.kind].perSource) throw tooMany(attempt, usage)
  return taken
}

async function tryPlace(ctx: BaseCtx, throttled: Throttled) {
  const attempt = newAttempt(ctx, throttled)
  const [, reserved, [usage]] = await ctx.db.batch(reserve(ctx, attempt))
  return { attempt, taken: reserved.length > 0, usage }
}

/** The kind stands before what is counted, as no e-mail and no address has a space: kinds do not count for each other. */
export function newAttempt(ctx: BaseCtx, { kind, subject, source = addressGroup(ctx.clientAddress) }: Throttled): Attempt {
  return { kind, id: ctx.newId(), subjectHash: sha256(`${kind} ${subject}`), source: `${kind} ${source}`, startedMs: ctx.now() }
}

/**
 * Statements for one D1 batch: forget old attempts, reserve this one if both limits leave room, tell the usage. The
 * reservation holds its place from before the act, and it is one statement, so parallel guesses cannot pass together.
 * Of a login it ends with `release` or `markFailed`.
 */
export function reserve({ db }: BaseCtx, attempt: Attempt) {
  const { perSubject, perSource, windowMs } = throttles[attempt.kind]
  const keptSince = attempt.startedMs - throttleWindowMsMax
  const [subject, source] = [ofSubject(attempt), ofSource(attempt)]
  const inWindow = gt(attempts.createdAt, attempt.startedMs - windowMs)
  const failed = or(eq(attempts.failed, true), lte(attempts.createdAt, attempt.startedMs - loginPendingMs))
  const taken = (of: SQL) => sql`(select count(*) from ${attempts} where ${of} and ${inWindow})`
  const count = (...of: (SQL | undefined)[]) => sql<number>`count(*) filter (where ${and(...of)})`
  const oldest = (of: SQL) => sql<number | null>`min(${attempts.createdAt}) filter (where ${of})`
  return [
    // The lowest rowids are the oldest rows, so this reads only as many as it may remove.
    db
      .delete(attempts)
      .where(
        sql`rowid in (select rowid from ${attempts} order by rowid limit ${loginCleanupRowsMax}) and ${attempts.createdAt} <= ${keptSince}`,
      ),
    db
      .insert(attempts)
      .select(
        // In the order of the table's columns, as drizzle wants it.
        sql`select ${attempt.subjectHash}, ${attempt.id}, ${attempt.source}, ${attempt.startedMs}, false
          where ${taken(subject)} < ${perSubject} and ${taken(source)} < ${perSource}`,
      )
      .returning({ id: attempts.id }),
    db
      .select({
        subjectCount: count(subject),
        subjectFailures: count(subject, failed),
        subjectOldestMs: oldest(subject),
        sourceCount: count(source),
        sourceFailures: count(source, failed),
        sourceOldestMs: oldest(source),
      })
      .from(attempts)
      .where(and(or(subject, source), inWindow)),
  ] as const
}

/** Whether `reserve` found places, as a condition for what follows in its batch. */
export function isReserved(attempt: Attempt): SQL {
  return sql`exists (select 1 from ${attempts} where ${and(ofSubject(attempt), eq(attempts.id, attempt.id))})`
}

/** The password was right: the attempt leaves no trace. */
export function release({ db }: BaseCtx, attempt: Attempt, condition?: SQL) {
  return db.delete(attempts).where(and(ofSubject(attempt), eq(attempts.id, attempt.id), condition))
}

/** The password was wrong: the place stays taken for the window. */
export function markFailed({ db }: BaseCtx, attempt: Attempt, condition?: SQL) {
  return db
    .update(attempts)
    .set({ failed: true })
    .where(and(ofSubject(attempt), eq(attempts.id, attempt.id), condition))
}

/** The person proved more than a password: what failed before does not count any more. */
export function forgetFailures(ctx: BaseCtx, throttled: Throttled, condition: SQL) {
  return ctx.db.delete(attempts).where(and(ofSubject(newAttempt(ctx, throttled)), condition))
}

/** Whether a refused attempt may pass soon: no limit is used up by failures alone, some checks are still under way. */
export function mayPassSoon({ kind }: Attempt, usage: Usage | undefined): boolean {
  const { perSubject, perSource } = throttles[kind]
  return throttles[kind].released && usage !== undefined && usage.subjectFailures < perSubject && usage.sourceFailures < perSource
}

/** The 429 for an attempt that the limits refuse; `Retry-After` says when another may pass. */
export function tooMany(attempt: Attempt, usage: Usage | undefined) {
  const { acts, names, perSubject, perSource, windowMs } = throttles[attempt.kind]
  const bySubject = (usage?.subjectCount ?? 0) >= perSubject
  const bySource = (usage?.sourceCount ?? 0) >= perSource
  const freeMs = Math.max(bySubject ? (usage?.subjectOldestMs ?? 0) : 0, bySource ? (usage?.sourceOldestMs ?? 0) : 0) + windowMs
  const seconds = mayPassSoon(attempt, usage) ? retryAfterSeconds : Math.max(1, Math.ceil((freeMs - attempt.startedMs) / 1000))
  const within = `in ${windowMs / 60_000} minutes`
  return problem('rate_limited', `Too many ${acts}. Try again in ${seconds} s.`, {
    details: {
      ...(bySubject && { [names.subject]: [`at most ${perSubject} ${within}`] }),
      ...(bySource && { [names.source]: [`at most ${perSource} ${within}`] }),
    },
    headers: { 'Retry-After': String(seconds) },
  })
}

function ofSubject({ subjectHash }: Attempt): SQL {
  return eq(attempts.emailHash, subjectHash)
}

function ofSource({ source }: Attempt): SQL {
  return eq(attempts.address, source)
}
