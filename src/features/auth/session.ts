import type { BaseCtx } from '../../db/context.ts'
import { accessTokenTtlSeconds } from '../../core/limits.ts'
import { accessTokenType, signJwt } from './jwt.ts'

/** What login and refresh give; the route puts it into the body or into cookies. */
export interface Tokens {
  accessToken: string
  accessTtlSeconds: number
  refreshToken: string
  refreshExpiresMs: number
}

/** An access token names the session it belongs to and the token version of its user, which D1 must both confirm. */
export async function issueTokens(
  ctx: BaseCtx,
  session: { id: string; userId: string; tokenVersion: number; refreshToken: string; expiresAt: number },
): Promise<Tokens> {
  const claims = { sub: session.userId, sid: session.id, ver: session.tokenVersion }
  return {
    accessToken: await signJwt(ctx, accessTokenType, accessTokenTtlSeconds, claims),
    accessTtlSeconds: accessTokenTtlSeconds,
    refreshToken: session.refreshToken,
    refreshExpiresMs: session.expiresAt,
  }
}
