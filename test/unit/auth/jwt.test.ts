import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import type { Config } from '../../../src/config.ts'
import { ProblemError } from '../../../src/core/problems.ts'
import { accessTokenType, publicKeys, signJwt, verifyJwt } from '../../../src/features/auth/jwt.ts'
import { generateJwtKeys } from '../../../src/features/auth/keys.ts'
import type { PrivateJwk } from '../../../src/features/auth/keys.ts'

const nowMs = Date.UTC(2026, 10, 22, 8)
const publicUrl = 'https://logs.example.com'
const keys = await generateJwtKeys()
const ctx = ctxOf(keys)

function ctxOf(jwtKeys: PrivateJwk[], now = nowMs) {
  return { config: { publicUrl, jwtKeys } as unknown as Config, now: () => now }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (!(error instanceof ProblemError)) throw new Error('no problem', { cause: error })
  return error.code
}

const verify = (token: string, now = nowMs, jwtKeys = keys) => verifyJwt(ctxOf(jwtKeys, now), accessTokenType, token, ['sub'])

/** A token like ours but for what `change` does. */
async function forge(change: { header?: object; iss?: string; aud?: string; claims?: object }): Promise<string> {
  const [key] = keys
  if (!key) throw new Error('no key')
  return new SignJWT({ sub: 'ann', ...change.claims })
    .setProtectedHeader({ alg: 'EdDSA', kid: key.kid, typ: accessTokenType, ...change.header })
    .setIssuer(change.iss ?? publicUrl)
    .setAudience(change.aud ?? `${publicUrl}/api/v1`)
    .setIssuedAt(nowMs / 1000)
    .setExpirationTime(nowMs / 1000 + 900)
    .sign(key)
}

function withHeader(token: string, header: object, signature?: string): string {
  const [, payload, own] = token.split('.')
  return [Buffer.from(JSON.stringify(header)).toString('base64url'), payload, signature ?? own].join('.')
}

describe('a token', () => {
  it('tells its type, key, issuer, audience, times and claims', async () => {
    const token = await signJwt(ctx, accessTokenType, 900, { sub: 'ann', sid: 's', ver: 3 })
    const [header, payload] = token
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as object)
    expect(header).toEqual({ alg: 'EdDSA', kid: keys[0]?.kid, typ: 'at+jwt' })
    expect(payload).toEqual({
      sub: 'ann',
      sid: 's',
      ver: 3,
      iss: publicUrl,
      aud: `${publicUrl}/api/v1`,
      iat: nowMs / 1000,
      exp: nowMs / 1000 + 900,
    })
    expect(await verify(token)).toEqual(payload)
  })

  it('ends with its time', async () => {
    const token = await signJwt(ctx, accessTokenType, 900, { sub: 'ann' })
    expect(await verify(token, nowMs + 899_000)).toMatchObject({ sub: 'ann' })
    expect(await codeOf(verify(token, nowMs + 900_000))).toBe('token_expired')
  })

  it('still counts when its key is no longer the first, and not when the key is gone', async () => {
    const token = await signJwt(ctx, accessTokenType, 900, { sub: 'ann' })
    const fresh = await generateJwtKeys()
    expect(await verify(token, nowMs, [...fresh, ...keys])).toMatchObject({ sub: 'ann' })
    expect(await codeOf(verify(token, nowMs, fresh))).toBe('invalid_token')
  })

  it('is refused when it is forged in any of the known ways', async () => {
    const good = await forge({})
    expect(await verify(good)).toMatchObject({ sub: 'ann' })
    const [key] = keys
    const secret = new TextEncoder().encode(key?.x)
    const hmac = await new SignJWT({ sub: 'ann' })
      .setProtectedHeader({ alg: 'HS256', kid: key?.kid ?? '', typ: accessTokenType })
      .setIssuer(publicUrl)
      .setAudience(`${publicUrl}/api/v1`)
      .setIssuedAt(nowMs / 1000)
      .setExpirationTime(nowMs / 1000 + 900)
      .sign(secret)
    const stranger = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
    const foreign = await new SignJWT({ sub: 'ann' })
      .setProtectedHeader({ alg: 'EdDSA', kid: key?.kid ?? '', typ: accessTokenType, jwk: await exportJWK(stranger.publicKey) })
      .setIssuer(publicUrl)
      .setAudience(`${publicUrl}/api/v1`)
      .setIssuedAt(nowMs / 1000)
      .setExpirationTime(nowMs / 1000 + 900)
      .sign(stranger.privateKey)
    const forged = {
      'no algorithm': withHeader(good, { alg: 'none', kid: key?.kid, typ: accessTokenType }, ''),
      'public key as HMAC secret': hmac,
      'own key in the header': foreign,
      'other type': await forge({ header: { typ: 'edgelog-tail+jwt' } }),
      'no type': await forge({ header: { typ: undefined } }),
      'no key id': await forge({ header: { kid: undefined } }),
      'unknown key id': await forge({ header: { kid: 'x' } }),
      'other issuer': await forge({ iss: 'https://evil.example.com' }),
      'other audience': await forge({ aud: 'https://logs.example.com' }),
      'no subject': await forge({ claims: { sub: undefined } }),
      'changed payload': good.replace(/\.[^.]+\./, `.${Buffer.from('{"sub":"bob"}').toString('base64url')}.`),
      'too long': `${good}${'a'.repeat(4000)}`,
      'not a token': 'a.b.c',
      empty: '',
    }
    const codes = await Promise.all(Object.entries(forged).map(async ([name, token]) => [name, await codeOf(verify(token))]))
    expect(codes).toEqual(Object.keys(forged).map((name) => [name, 'invalid_token']))
  })
})

describe('the key set', () => {
  it('shows the public halves only', async () => {
    const [key] = keys
    expect(publicKeys(ctx)).toEqual([{ kty: 'OKP', crv: 'Ed25519', kid: key?.kid, x: key?.x, alg: 'EdDSA', use: 'sig' }])
    expect(JSON.stringify(publicKeys(ctx))).not.toContain(key?.d ?? '-')
  })
})
