import { describe, expect, it } from 'vitest'
import { newRecoveryCodes, hashRecoveryCode } from '../../../src/features/auth/recovery_code.ts'
import { newTotpSecret, totpCode, totpStep, totpUri } from '../../../src/features/auth/totp.ts'

/** RFC 6238, appendix B: the ASCII secret 12345678901234567890 in base32; codes cut to six digits. */
const rfcSecret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const rfcCodes: [number, string][] = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
]

describe('one-time codes', () => {
  it.each(rfcCodes)('are those of RFC 6238 at %d s', (seconds, code) => {
    expect(totpCode(rfcSecret, seconds * 1000)).toBe(code)
    expect(totpStep(rfcSecret, code, seconds * 1000)).toBe(Math.floor(seconds / 30))
  })

  it('are taken one step early or late, as that step, and not two', () => {
    const nowMs = 1_700_000_010_000
    const step = Math.floor(nowMs / 30_000)
    const codeAt = (steps: number) => totpCode(rfcSecret, nowMs + steps * 30_000)
    expect([-2, -1, 0, 1, 2].map((steps) => totpStep(rfcSecret, codeAt(steps), nowMs))).toEqual([
      undefined,
      step - 1,
      step,
      step + 1,
      undefined,
    ])
  })

  it.each(['', '00000', '0000000', 'abcdef', '28708２', '-87082'])('are nothing but six digits: %j', (code) => {
    expect(totpStep(rfcSecret, code, 59_000)).toBeUndefined()
  })

  it('come from a secret of 160 bits, which differs each time', () => {
    const secrets = Array.from({ length: 50 }, newTotpSecret)
    expect(new Set(secrets).size).toBe(50)
    for (const secret of secrets) expect(secret).toMatch(/^[A-Z2-7]{32}$/)
  })

  it('are announced to authenticators in the form that all of them read', () => {
    const uri = new URL(totpUri({ secret: rfcSecret, issuer: 'Edgelog logs.example.com', label: 'ann+a@example.com' }))
    expect(uri.protocol).toBe('otpauth:')
    expect(uri.host).toBe('totp')
    expect(decodeURIComponent(uri.pathname)).toBe('/Edgelog logs.example.com:ann+a@example.com')
    expect(Object.fromEntries(uri.searchParams)).toEqual({
      secret: rfcSecret,
      issuer: 'Edgelog logs.example.com',
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    })
  })
})

describe('recovery codes', () => {
  it('are ten of 80 random bits, of letters that cannot be mistaken', () => {
    const { codes, hashes } = newRecoveryCodes()
    expect(codes).toHaveLength(10)
    expect(new Set(hashes).size).toBe(10)
    for (const code of codes) expect(code).toMatch(/^([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/)
  })

  it('are the same however people write them', () => {
    const hash = hashRecoveryCode('abcd-efgh-jkmn-pqrs')
    for (const written of ['ABCD-EFGH-JKMN-PQRS', 'abcdefghjkmnpqrs', ' abcd efgh jkmn pqrs ']) expect(hashRecoveryCode(written)).toBe(hash)
    expect(hashRecoveryCode('abcd-efgh-jkmn-pqrt')).not.toBe(hash)
  })
})
