import { errors, jwtVerify, SignJWT } from 'jose'
import type { JWTPayload } from 'jose'
import { jwtCharsMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'

type KeyCtx = Pick<BaseCtx, 'config' | 'now'>

const algorithm = 'EdDSA'

/** `typ` of an access token (RFC 9068, section 2.1). A token of one type is never taken for another. */
export const accessTokenType = 'at+jwt'

/** Signs with the first key. `claims` come on top of iss, aud, iat and exp. */
export async function signJwt(ctx: KeyCtx, type: string, ttlSeconds: number, claims: JWTPayload): Promise<string> {
  const [key] = ctx.config.jwtKeys
  if (!key) throw new Error('JWT_KEYS holds no key')
  const issuedAt = Math.floor(ctx.now() / 1000)
  return new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, kid: key.kid, typ: type })
    .setIssuer(ctx.config.publicUrl)
    .setAudience(audienceOf(ctx))
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ttlSeconds)
    .sign(key)
}

/** The claims of a token that we signed for ourselves, of this type and not expired; else a 401 problem that tells no more than needed. */
export async function verifyJwt(ctx: KeyCtx, type: string, token: string, requiredClaims: string[]): Promise<JWTPayload> {
  if (token.length > jwtCharsMax) throw invalidToken()
  try {
    const { payload } = await jwtVerify(token, ({ kid }) => publicKey(ctx, kid), {
      algorithms: [algorithm],
      typ: type,
      issuer: ctx.config.publicUrl,
      audience: audienceOf(ctx),
      currentDate: new Date(ctx.now()),
      requiredClaims: ['iat', 'exp', ...requiredClaims],
    })
    return payload
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw problem('token_expired', 'The token has expired.')
    if (error instanceof errors.JOSEError) throw invalidToken(error)
    throw error
  }
}

export interface PublicJwk {
  kty: 'OKP'
  crv: 'Ed25519'
  kid: string
  x: string
  alg: 'EdDSA'
  use: 'sig'
}

/** jose remembers the imported key of each JWK object, so the objects must stay the same. */
const publicSets = new WeakMap<object, readonly PublicJwk[]>()

/** Public halves of all keys, as /.well-known/jwks.json shows them (RFC 7517). */
export function publicKeys({ config }: Pick<BaseCtx, 'config'>): readonly PublicJwk[] {
  const cached = publicSets.get(config)
  if (cached) return cached
  const set = config.jwtKeys.map(({ kty, crv, kid, x }): PublicJwk => ({ kty, crv, kid, x, alg: algorithm, use: 'sig' }))
  publicSets.set(config, set)
  return set
}

export function invalidToken(cause?: unknown) {
  return problem('invalid_token', 'The token is not valid.', { cause })
}

function publicKey(ctx: KeyCtx, kid: string | undefined): PublicJwk {
  const key = publicKeys(ctx).find((candidate) => candidate.kid === kid)
  if (!key) throw invalidToken()
  return key
}

function audienceOf({ config }: Pick<BaseCtx, 'config'>): string {
  return `${config.publicUrl}/api/v1`
}
