import { sql } from 'drizzle-orm'
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

interface Usage {
  account_count: number
  account_oldest: number | null
  address_count: number
  address_oldest: number | null
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
  return [
    // The lowest rowids are the oldest rows, so this reads only as many as it may remove.
    db.run(sql`delete from ${attempts} where rowid in (select rowid from ${attempts} order by rowid limit ${loginCleanupRowsMax})
      and ${attempts.createdAt} <= ${since}`),
    db.all<{ id: string }>(sql`insert into ${attempts} (email_hash, id, address, created_at)
      select ${attempt.emailHash}, ${attempt.id}, ${attempt.address}, ${attempt.startedMs}
      where (select count(*) from ${attempts} where ${ofAccount(attempt, since)}) < ${loginFailuresPerAccountMax}
        and (select count(*) from ${attempts} where ${ofAddress(attempt, since)}) < ${loginFailuresPerAddressMax}
      returning id`),
    db.all<Usage>(sql`select
      (select count(*) from ${attempts} where ${ofAccount(attempt, since)}) as account_count,
      (select min(created_at) from ${attempts} where ${ofAccount(attempt, since)}) as account_oldest,
      (select count(*) from ${attempts} where ${ofAddress(attempt, since)}) as address_count,
      (select min(created_at) from ${attempts} where ${ofAddress(attempt, since)}) as address_oldest`),
  ] as const
}

/** The attempt was no failure. */
export function release({ db }: BaseCtx, { emailHash, id }: Attempt) {
  return db.run(sql`delete from ${attempts} where ${attempts.emailHash} = ${emailHash} and ${attempts.id} = ${id}`)
}

/** Throws 429 when the reservation was refused. */
export function requireReserved(attempt: Attempt, reserved: readonly { id: string }[], usage: Usage | undefined): void {
  if (reserved.length > 0) return
  const perAccount = (usage?.account_count ?? 0) >= loginFailuresPerAccountMax
  const perAddress = (usage?.address_count ?? 0) >= loginFailuresPerAddressMax
  const freeMs = Math.max(perAccount ? (usage?.account_oldest ?? 0) : 0, perAddress ? (usage?.address_oldest ?? 0) : 0) + loginWindowMs
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

function ofAccount({ emailHash }: Attempt, since: number): SQL {
  return sql`${attempts.emailHash} = ${emailHash} and ${attempts.createdAt} > ${since}`
}

function ofAddress({ address }: Attempt, since: number): SQL {
  return sql`${attempts.address} = ${address} and ${attempts.createdAt} > ${since}`
}
