import { and, eq, gt, isNull, sql } from 'drizzle-orm'
import { refreshGraceMs, refreshTokenTtlMs, sessionAgeMsMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { accountAuditStatement } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { sessions, users } from '../../db/schema.ts'
import { endTailsOfPerson } from '../tail/end_tails.ts'
import { newRotationSalt, parseRefreshToken, successorOf } from './refresh_token.ts'
import type { RefreshToken } from './refresh_token.ts'
import { issueTokens } from './session.ts'
import type { Tokens } from './session.ts'

/**
 * Replaces a refresh token. Of requests that race with one token, one rotates it and the others, for ten seconds, get the
 * same successor; an older token of the session is a copy in other hands and ends the session. No use extends it beyond
 * `sessionAgeMsMax`.
 */
export async function refresh(ctx: BaseCtx, text: string): Promise<Tokens> {
  const token = parseRefreshToken(text)
  if (!token) throw invalidRefreshToken()
  const now = ctx.now()
  const salt = newRotationSalt()
  const live = and(eq(sessions.id, token.sessionId), isNull(sessions.revokedAt), gt(sessions.expiresAt, now))
  const [, rows] = await ctx.db.batch([
    ctx.db
      .update(sessions)
      .set({
        tokenHash: successorOf(token, salt).secretHash,
        previousTokenHash: token.secretHash,
        rotationSalt: salt,
        rotatedAt: now,
        expiresAt: sql`min(${now + refreshTokenTtlMs}, ${sessions.createdAt} + ${sessionAgeMsMax})`,
        lastSeenAt: now,
      })
      .where(and(live, eq(sessions.familyHash, token.familyHash), eq(sessions.tokenHash, token.secretHash))),
    ctx.db
      .select({ session: sessions, accountId: users.accountId })
      .from(sessions)
      .innerJoin(users, and(eq(users.id, sessions.userId), eq(users.tokenVersion, sessions.tokenVersion), isNull(users.deletedAt)))
      .where(and(live, eq(sessions.familyHash, token.familyHash))),
  ])
  const [row] = rows
  if (!row) throw invalidRefreshToken()
  const { session, accountId } = row
  const successor = currentSuccessor(token, session, now)
  if (!successor) {
    await revokeReused(ctx, session, accountId)
    throw invalidRefreshToken()
  }
  ctx.log.add({ user_id: session.userId })
  return issueTokens(ctx, { ...session, refreshToken: successor })
}

/** The session's current token, when it is the one made out of `token` and that was replaced just now. */
function currentSuccessor(token: RefreshToken, session: typeof sessions.$inferSelect, now: number): string | undefined {
  const { previousTokenHash, rotationSalt, rotatedAt, tokenHash } = session
  if (previousTokenHash !== token.secretHash || rotationSalt === null || rotatedAt === null) return undefined
  if (now - rotatedAt > refreshGraceMs) return undefined
  const successor = successorOf(token, rotationSalt)
  return successor.secretHash === tokenHash ? successor.text : undefined
}

async function revokeReused(ctx: BaseCtx, { id, userId }: typeof sessions.$inferSelect, accountId: string): Promise<void> {
  ctx.log.warn('refresh token reused, session revoked', { session_id: id })
  const where = sql`${sessions.id} = ${id} and ${sessions.revokedAt} is null`
  // Whoever holds a copy is not known; the person, who should learn of it, is the target.
  const origin = { accountId, actor: { kind: 'user', id: null } } as const
  const entry = { action: 'session.token_reused', target: { kind: 'user', id: userId }, details: { session_id: id } }
  await ctx.db.batch([
    accountAuditStatement(ctx, origin, entry, sql`from ${sessions} where ${where}`),
    ctx.db.update(sessions).set({ revokedAt: ctx.now() }).where(where),
  ])
  ctx.waitUntil(endTailsOfPerson(ctx, userId, id))
}

export function invalidRefreshToken() {
  return problem('invalid_refresh_token', 'The refresh token is not valid. Log in again.')
}
