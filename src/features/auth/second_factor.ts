import { and, eq, isNotNull, isNull, lt, sql } from 'drizzle-orm'
import type { Column, SQL } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { unseal } from '../../db/sealed.ts'
import type { BaseCtx } from '../../db/context.ts'
import { recoveryCodes, secondFactors } from '../../db/schema_identity.ts'
import { hashRecoveryCode } from './recovery_code.ts'
import { totpStep } from './totp.ts'

/** Codes as a request brings them. */
export interface SentCodes {
  totpCode?: string | undefined
  recoveryCode?: string | undefined
}

/** A code that may prove the second factor: whether it does, and still does, only the batch that spends it tells. */
export type Proof = { kind: 'totp'; step: number; sealedSecret: string } | { kind: 'recovery_code'; codeHash: string }

/** Where a person's secret may stand. */
export function secretPlace(userId: string): string {
  return `second_factors/${userId}`
}

/** The proof that the codes make for a confirmed factor; undefined when they can be none. */
export function proofOf(ctx: BaseCtx, userId: string, sealedSecret: string, { totpCode, recoveryCode }: SentCodes): Proof | undefined {
  if (recoveryCode !== undefined) return { kind: 'recovery_code', codeHash: hashRecoveryCode(recoveryCode) }
  if (totpCode === undefined) return undefined
  const step = totpStep(unseal(ctx.config.sealingKeys, secretPlace(userId), sealedSecret), totpCode, ctx.now())
  return step === undefined ? undefined : { kind: 'totp', step, sealedSecret }
}

/** Whether the person has a second factor, as a condition. */
export function hasSecondFactor(userId: string): SQL {
  return sql`exists (select 1 from ${secondFactors} where ${confirmedFactorOf(userId)})`
}

/**
 * Whether the proof was not used yet, as a condition. Put what it allows, under this condition, into one batch before
 * `spendProof`: a batch is a transaction, so of parallel uses of one code one takes effect.
 */
export function isUnspent(userId: string, proof: Proof): SQL {
  switch (proof.kind) {
    case 'totp':
      return sql`exists (select 1 from ${secondFactors} where ${unspentStep(userId, proof)})`
    case 'recovery_code':
      return sql`(${hasSecondFactor(userId)} and exists (select 1 from ${recoveryCodes} where ${unspentCode(userId, proof)}))`
  }
}

/** Marks the code as used, where `condition` holds. Codes of earlier steps are worth nothing from then on. */
export function spendProof({ db, now }: BaseCtx, userId: string, proof: Proof, condition: SQL) {
  switch (proof.kind) {
    case 'totp':
      return db
        .update(secondFactors)
        .set({ lastStep: proof.step })
        .where(and(unspentStep(userId, proof), condition))
    case 'recovery_code':
      return db
        .update(recoveryCodes)
        .set({ usedAt: now() })
        .where(and(unspentCode(userId, proof), condition))
  }
}

/** The person's factor that is at work. */
export function confirmedFactorOf(userId: string | Column): SQL | undefined {
  return and(eq(secondFactors.userId, userId), isNotNull(secondFactors.confirmedAt))
}

/** How many recovery codes the person has left, as a value to select. */
export function recoveryCodesLeft(userId: string | Column): SQL<number> {
  return sql<number>`(select count(*) from ${recoveryCodes} where ${recoveryCodes.userId} = ${userId} and ${recoveryCodes.usedAt} is null)`
}

/** The 422 for a code that a signed-in person sends; a 401 would say that the session is over. */
export function wrongCodeNow(field: 'code' | 'totp_code' | 'recovery_code') {
  return problem('unprocessable', 'The code is wrong, or was used before.', { details: { [field]: ['is wrong, or was used before'] } })
}

function unspentStep(userId: string, { step, sealedSecret }: Extract<Proof, { kind: 'totp' }>): SQL | undefined {
  return and(confirmedFactorOf(userId), eq(secondFactors.sealedSecret, sealedSecret), lt(secondFactors.lastStep, step))
}

function unspentCode(userId: string, { codeHash }: Extract<Proof, { kind: 'recovery_code' }>): SQL | undefined {
  return and(eq(recoveryCodes.userId, userId), eq(recoveryCodes.codeHash, codeHash), isNull(recoveryCodes.usedAt))
}
