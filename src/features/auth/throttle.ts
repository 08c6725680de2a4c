import { and, eq, gt, lte, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { addressGroup } from '../../core/address.ts'
import {
  loginCleanupRowsMax,
  loginFailuresPerAccountMax,
  loginFailuresPerAddressMax,
  loginPendingMs,
  loginWindowMs,
  registrationWindowMs,
  retryAfterSeconds,
} from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'
import { loginAttempts as attempts } from '../../db/schema.ts'
import { sha256 } from './hash.ts'

export interface Attempt {
  id: string
  emailHash: string
  address: string
  startedMs: number
}

/** Places that the attempts of one e-mail and of one address have in a window. */
interface Limits {
  readonly perAccount: number
  readonly perAddress: number
  readonly windowMs: number
}

const loginLimits: Limits = { perAccount: loginFailuresPerAccountMax, perAddress: loginFailuresPerAddressMax, windowMs: loginWindowMs }

/** What the window holds of the account and of the address: all attempts, and those that failed. */
interface Usage {
  accountCount: number
  accountFailures: number
  accountOldestMs: number | null
  addressCount: number
  addressFailures: number
  addressOldestMs: number | null
}

/** Keyed by the text of the e-mail, so that known and unknown ones count alike. */
export function newAttempt(ctx: BaseCtx, email: string): Attempt {
  return { id: ctx.newId(), emailHash: sha256(email), address: addressGroup(ctx.clientAddress), startedMs: ctx.now() }
}

/**
 * Statements for one D1 batch: forget old attempts, reserve this one if both limits leave room, tell the usage. The
 * reservation holds the place of a failure from before the password is checked, and it is one statement, so parallel
 * guesses cannot pass together. It ends with `release` or `markFailed`.
 */
export function reserve({ db }: BaseCtx, attempt: Attempt, { perAccount, perAddress, windowMs }: Limits = loginLimits) {
  const since = attempt.startedMs - windowMs
  const keptSince = attempt.startedMs - Math.max(loginWindowMs, registrationWindowMs)
  const [account, address] = [ofAccount(attempt), ofAddress(attempt)]
  const inWindow = gt(attempts.createdAt, since)
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
        sql`select ${attempt.emailHash}, ${attempt.id}, ${attempt.address}, ${attempt.startedMs}, false
          where ${taken(account)} < ${perAccount} and ${taken(address)} < ${perAddress}`,
      )
      .returning({ id: attempts.id }),
    db
      .select({
        accountCount: count(account),
        accountFailures: count(account, failed),
        accountOldestMs: oldest(account),
        addressCount: count(address),
        addressFailures: count(address, failed),
        addressOldestMs: oldest(address),
      })
      .from(attempts)
      .where(and(or(account, address), inWindow)),
  ] as const
}

/** The password was right: the attempt leaves no trace. */
export function release({ db }: BaseCtx, attempt: Attempt) {
  return db.delete(attempts).where(and(ofAccount(attempt), eq(attempts.id, attempt.id)))
}

/** The password was wrong: the place stays taken for the window. */
export function markFailed({ db }: BaseCtx, attempt: Attempt) {
  return db
    .update(attempts)
    .set({ failed: true })
    .where(and(ofAccount(attempt), eq(attempts.id, attempt.id)))
}

/** Whether a refused attempt may pass soon: no limit is used up by failures alone, some checks are still under way. */
export function mayPassSoon(usage: Usage | undefined): boolean {
  if (!usage) return false
  return usage.accountFailures < loginFailuresPerAccountMax && usage.addressFailures < loginFailuresPerAddressMax
}

/** The 429 for an attempt that the limits refuse; `Retry-After` says when another may pass. */
export function tooManyLogins(attempt: Attempt, usage: Usage | undefined) {
  const perAccount = (usage?.accountCount ?? 0) >= loginFailuresPerAccountMax
  const perAddress = (usage?.addressCount ?? 0) >= loginFailuresPerAddressMax
  const freeMs = Math.max(perAccount ? (usage?.accountOldestMs ?? 0) : 0, perAddress ? (usage?.addressOldestMs ?? 0) : 0) + loginWindowMs
  const seconds = mayPassSoon(usage) ? retryAfterSeconds : Math.max(1, Math.ceil((freeMs - attempt.startedMs) / 1000))
  const minutes = loginWindowMs / 60_000
  return problem('rate_limited', `Too many failed logins. Try again in ${seconds} s.`, {
    details: {
      ...(perAccount && { login_failures_per_account: [`at most ${loginFailuresPerAccountMax} in ${minutes} minutes`] }),
      ...(perAddress && { login_failures_per_address: [`at most ${loginFailuresPerAddressMax} in ${minutes} minutes`] }),
    },
    headers: { 'Retry-After': String(seconds) },
  })
}

function ofAccount({ emailHash }: Attempt): SQL {
  return eq(attempts.emailHash, emailHash)
}

function ofAddress({ address }: Attempt): SQL {
  return eq(attempts.address, address)
}
