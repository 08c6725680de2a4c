import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'

/** A private Ed25519 key as JWT_KEYS holds it. */
export interface PrivateJwk {
  kty: 'OKP'
  crv: 'Ed25519'
  kid: string
  x: string
  d: string
}

/** A fresh value for the secret JWT_KEYS (as JSON): one key. To rotate, put a new one in front and keep the old one for 15 minutes. */
export async function generateJwtKeys(): Promise<PrivateJwk[]> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const { x, d } = await exportJWK(privateKey)
  if (x === undefined || d === undefined) throw new Error('the generated key has no private part')
  const bare = { kty: 'OKP', crv: 'Ed25519', x } as const
  return [{ ...bare, kid: await calculateJwkThumbprint(bare), d }]
}
