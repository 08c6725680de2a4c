import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { endedKeptMs, refreshTokenTtlMs } from '../../src/core/limits.ts'
import { uuidv7 } from '../../src/core/ids.ts'
import { sessions } from '../../src/db/schema.ts'
import { emailChanges, loginAttempts, oneTimeTokens } from '../../src/db/schema_identity.ts'
import { forgetEnded } from '../../src/jobs/forget_ended.ts'
import { createWorld, testCtx } from '../support/world.ts'

describe('what ended long ago', () => {
  it('is removed: attempts, tokens and changes of e-mail', async () => {
    const { owner } = await createWorld()
    const { db, newId } = testCtx()
    const now = Date.now()
    const [over, kept] = [now - endedKeptMs - 1, now - endedKeptMs + 60_000]
    const hash = newId()
    const token = (expiresAt: number) => ({
      tokenHash: newId(),
      kind: 'verify_email' as const,
      userId: owner.userId,
      createdAt: 0,
      expiresAt,
    })
    await db.batch([
      db.insert(loginAttempts).values([over, kept].map((createdAt) => ({ emailHash: hash, id: newId(), address: '10.0.0.1', createdAt }))),
      db.insert(oneTimeTokens).values([token(over), token(kept)]),
      db
        .insert(emailChanges)
        .values({ userId: owner.userId, newEmail: 'x', oldTokenHash: newId(), newTokenHash: newId(), createdAt: 0, expiresAt: over }),
    ])
    await forgetEnded({ ...testCtx(), now: () => now })
    const [attempts, tokens, changes] = await db.batch([
      db.select({ at: loginAttempts.createdAt }).from(loginAttempts).where(eq(loginAttempts.emailHash, hash)),
      db.select({ at: oneTimeTokens.expiresAt }).from(oneTimeTokens).where(eq(oneTimeTokens.userId, owner.userId)),
      db.select().from(emailChanges).where(eq(emailChanges.userId, owner.userId)),
    ])
    expect([attempts, tokens, changes]).toEqual([[{ at: kept }], [{ at: kept }], []])
  })

  it('is removed: sessions that ran out or were revoked, and none that is at work', async () => {
    const { owner, call } = await createWorld()
    const { db } = testCtx()
    const now = Date.now()
    const long = now - endedKeptMs - refreshTokenTtlMs - 60_000
    const session = (begunMs: number, end: { expiresAt: number; revokedAt?: number }) => {
      const id = uuidv7(begunMs)
      return { id, userId: owner.userId, tokenVersion: 0, familyHash: id, tokenHash: id, createdAt: begunMs, ...end }
    }
    const ranOut = session(long, { expiresAt: now - endedKeptMs - 1 })
    const revoked = session(long, { expiresAt: now + 1e9, revokedAt: now - endedKeptMs - 1 })
    const inUse = session(long, { expiresAt: now + 1e9 })
    const justOver = session(long, { expiresAt: now - 1 })
    await db.insert(sessions).values([ranOut, revoked, inUse, justOver])
    await forgetEnded({ ...testCtx(), now: () => now })
    const left = await db.select({ id: sessions.id }).from(sessions).where(eq(sessions.userId, owner.userId))
    const ids = left.map(({ id }) => id)
    expect(ids).toHaveLength(3)
    expect(ids).toEqual(expect.arrayContaining([inUse.id, justOver.id]))
    expect((await call('/api/v1/auth/me', { as: owner.accessToken })).status).toBe(200)
  })
})
