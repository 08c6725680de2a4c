import { and, eq, gt, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { addressGroup } from '../../core/address.ts'
import { loginCleanupRowsMax, loginFailuresPerAccountMax, loginFailuresPerAddressMax, loginWindowMs } from '../../core/limits.ts'
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

/** What the window holds of the account and of the address, this attempt included. */
interface Usage {
  accountCount: number
  accountOldestMs: number | null
  addressCount: number
  addressOldestMs: number | null
}

/** Keyed by the text of the e-mail, so that known and unknown ones count alike. */
export function newAttempt(ctx: BaseCtx, email: string): Attempt {
  return { id: ctx.newId(), emailHash: sha256(email), address: addressGroup(ctx.clientAddress), startedMs: ctx.now() }
}

/**
 * Statements for one D1 batch: forget old attempts, reserve this one if both limits leave room, tell the usage. The
 * reservation counts as a failure until `release`: it is one statement made before the password is checked, so
 * parallel guesses cannot pass together.
 */
export function reserve({ db }: BaseCtx, attempt: Attempt) {
  const since = attempt.startedMs - loginWindowMs
  const [account, address] = [ofAccount(attempt), ofAddress(attempt)]
  const inWindow = gt(attempts.createdAt, since)
  const failures = (of: SQL) => sql`(select count(*) from ${attempts} where ${of} and ${inWindow})`
  return [
    // The lowest rowids are the oldest rows, so this reads only as many as it may remove.
    db
      .delete(attempts)
      .where(
        sql`rowid in (select rowid from ${attempts} order by rowid limit ${loginCleanupRowsMax}) and ${attempts.createdAt} <= ${since}`,
      ),
    db
      .insert(attempts)
      .select(
        // In the order of the table's columns, as drizzle wants it.
        sql`select ${attempt.emailHash}, ${attempt.id}, ${attempt.address}, ${attempt.startedMs}
          where ${failures(account)} < ${loginFailuresPerAccountMax} and ${failures(address)} < ${loginFailuresPerAddressMax}`,
      )
      .returning({ id: attempts.id }),
    db
      .select({
        accountCount: sql<number>`count(*) filter (where ${account})`,
        accountOldestMs: sql<number | null>`min(${attempts.createdAt}) filter (where ${account})`,
        addressCount: sql<number>`count(*) filter (where ${address})`,
        addressOldestMs: sql<number | null>`min(${attempts.createdAt}) filter (where ${address})`,
      })
      .from(attempts)
      .where(and(or(account, address), inWindow)),
  ] as const
}

/** The attempt was no failure. */
export function release({ db }: BaseCtx, attempt: Attempt) {
  return db.delete(attempts).where(and(ofAccount(attempt), eq(attempts.id, attempt.id)))
}

/** Throws 429 when the reservation was refused. */
export function requireReserved(attempt: Attempt, reserved: readonly { id: string }[], usage: Usage | undefined): void {
  if (reserved.length > 0) return
  const perAccount = (usage?.accountCount ?? 0) >= loginFailuresPerAccountMax
  const perAddress = (usage?.addressCount ?? 0) >= loginFailuresPerAddressMax
  const freeMs = Math.max(perAccount ? (usage?.accountOldestMs ?? 0) : 0, perAddress ? (usage?.addressOldestMs ?? 0) : 0) + loginWindowMs
  const seconds = Math.max(1, Math.ceil((freeMs - attempt.startedMs) / 1000))
  const minutes = loginWindowMs / 60_000
  throw problem('rate_limited', `Too many failed logins. Try again in ${seconds} s.`, {
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
