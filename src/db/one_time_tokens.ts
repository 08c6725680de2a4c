import { and, eq, gt, inArray, isNull, lt, ne, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { tokenCleanupRowsMax } from '../core/limits.ts'
import type { OneTimeTokenKind } from '../core/one_time.ts'
import { problem } from '../core/problems.ts'
import { hashSecretToken, newSecretToken } from './secret_token.ts'
import type { BaseCtx } from './context.ts'
import { oneTimeTokens } from './schema_identity.ts'

/**
 * A new token of this kind for the user, good for `ttlMs`; its statement goes into the batch of the mail that carries it.
 * `source` (`from ... where ...`) makes it depend on something, as with audit entries.
 */
export function newOneTimeToken(ctx: BaseCtx, kind: OneTimeTokenKind, userId: string, ttlMs: number, source: SQL = sql`where true`) {
  const { token, tokenHash } = newSecretToken()
  const now = ctx.now()
  return {
    token,
    // In the order of the table's columns, as drizzle wants it.
    statement: ctx.db.insert(oneTimeTokens).select(sql`select ${tokenHash}, ${kind}, ${userId}, ${now}, ${now + ttlMs}, null ${source}`),
  }
}

/**
 * Whether the token may still be used, as a condition. Put what the token allows, under this condition, into one batch BEFORE
 * `spendToken`: a batch is a transaction, so of parallel uses one takes effect.
 */
export function isLiveToken(ctx: BaseCtx, kind: OneTimeTokenKind, token: string): SQL {
  const live = liveToken(ctx, kind, token)
  return sql`exists (select 1 from ${oneTimeTokens} where ${live})`
}

/** The user whom a live token of this kind is for, as a subquery; null when it is not live. */
export function userOfToken(ctx: BaseCtx, kind: OneTimeTokenKind, token: string): SQL<string | null> {
  return sql`(select ${oneTimeTokens.userId} from ${oneTimeTokens} where ${liveToken(ctx, kind, token)})`
}

/** Marks the token as used and tells whose it was; no row when it was not live. */
export function spendToken(ctx: BaseCtx, kind: OneTimeTokenKind, token: string) {
  return ctx.db
    .update(oneTimeTokens)
    .set({ usedAt: ctx.now() })
    .where(liveToken(ctx, kind, token))
    .returning({ userId: oneTimeTokens.userId })
}

/** Ends all tokens of this kind that the user still has, but not the given one. */
export function endTokens(ctx: BaseCtx, kind: OneTimeTokenKind, userId: string | SQL, except?: string) {
  return ctx.db
    .update(oneTimeTokens)
    .set({ usedAt: ctx.now() })
    .where(
      and(
        eq(oneTimeTokens.userId, userId),
        eq(oneTimeTokens.kind, kind),
        isNull(oneTimeTokens.usedAt),
        except === undefined ? undefined : ne(oneTimeTokens.tokenHash, hashSecretToken(except)),
      ),
    )
}

/** Removes tokens that ended, more than one at each new one, so that the table shrinks to what is good. */
export function sweepTokens({ db, now }: BaseCtx) {
  const ended = db
    .select({ tokenHash: oneTimeTokens.tokenHash })
    .from(oneTimeTokens)
    .where(lt(oneTimeTokens.expiresAt, now()))
    .limit(tokenCleanupRowsMax)
  return db.delete(oneTimeTokens).where(inArray(oneTimeTokens.tokenHash, ended))
}

export function invalidOneTimeToken() {
  return problem('invalid_one_time_token', 'The token is unknown, used or expired. Ask for a new one.')
}

function liveToken(ctx: BaseCtx, kind: OneTimeTokenKind, token: string): SQL | undefined {
  return and(
    eq(oneTimeTokens.tokenHash, hashSecretToken(token)),
    eq(oneTimeTokens.kind, kind),
    isNull(oneTimeTokens.usedAt),
    gt(oneTimeTokens.expiresAt, ctx.now()),
  )
}
