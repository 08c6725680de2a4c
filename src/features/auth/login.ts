import { and, eq, inArray, isNull, lt } from 'drizzle-orm'
import { loginWaitMs, loginWaitsMax, refreshTokenTtlMs, sessionCleanupRowsMax, userAgentCharsMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'
import { sessions, users } from '../../db/schema.ts'
import { verifyPassword } from './password.ts'
import { newRefreshToken } from './refresh_token.ts'
import { issueTokens } from './session.ts'
import type { Tokens } from './session.ts'
import { markFailed, mayPassSoon, newAttempt, release, reserve, tooMany } from './throttle.ts'
import type { Attempt } from './throttle.ts'

export interface LoginInput {
  email: string
  password: string
  userAgent: string | undefined
}

/** A new session. The same work and the same answer for an unknown e-mail as for a wrong password. */
export async function login(ctx: BaseCtx, { email, password, userAgent }: LoginInput): Promise<Tokens> {
  const { attempt, user } = await enter(ctx, email)
  const correct = await verifyPassword(password, user?.passwordHash)
  if (!user || !correct) {
    await markFailed(ctx, attempt)
    throw problem('invalid_credentials', 'The e-mail or the password is wrong.')
  }
  ctx.log.add({ user_id: user.id })
  return openSession(ctx, user, userAgent, attempt)
}

/** Reserves an attempt and finds the user, in one D1 round trip; throws 429 when failures used up a limit. */
async function enter(ctx: BaseCtx, email: string) {
  for (let waits = 0; ; waits += 1) {
    const attempt = newAttempt(ctx, { kind: 'login', subject: email })
    const [, reserved, [usage], [user]] = await ctx.db.batch([
      ...reserve(ctx, attempt),
      ctx.db
        .select({ id: users.id, passwordHash: users.passwordHash, tokenVersion: users.tokenVersion })
        .from(users)
        .where(and(eq(users.email, email), isNull(users.deletedAt))),
    ])
    if (reserved.length > 0) return { attempt, user }
    if (waits === loginWaitsMax || !mayPassSoon(attempt, usage)) throw tooMany(attempt, usage)
    await new Promise((resolve) => setTimeout(resolve, loginWaitMs))
  }
}

async function openSession(
  ctx: BaseCtx,
  user: { id: string; tokenVersion: number },
  userAgent: string | undefined,
  attempt: Attempt,
): Promise<Tokens> {
  const now = ctx.now()
  const id = ctx.newId()
  const token = newRefreshToken(id)
  const expiresAt = now + refreshTokenTtlMs
  const ended = ctx.db
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.userId, user.id), lt(sessions.expiresAt, now)))
    .limit(sessionCleanupRowsMax)
  await ctx.db.batch([
    release(ctx, attempt),
    ctx.db.delete(sessions).where(inArray(sessions.id, ended)),
    ctx.db.insert(sessions).values({
      id,
      userId: user.id,
      tokenVersion: user.tokenVersion,
      familyHash: token.familyHash,
      tokenHash: token.secretHash,
      userAgent: userAgent?.slice(0, userAgentCharsMax) ?? null,
      clientAddress: ctx.clientAddress,
      createdAt: now,
      expiresAt,
      lastSeenAt: now,
      passwordProvedAt: now,
    }),
  ])
  return issueTokens(ctx, { id, userId: user.id, tokenVersion: user.tokenVersion, refreshToken: token.text, expiresAt })
}
