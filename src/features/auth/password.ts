import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { fromBase64, toBase64 } from '../../core/bytes.ts'
import { scryptMemoryBytesMax } from '../../core/limits.ts'
import { passwordCost } from './password_cost.ts'
import type { PasswordCost } from './password_cost.ts'

const saltBytes = 16
const hashBytes = 32
const storedPattern = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/]+)\$([\w+/]+)$/

/** Verified against when there is no password to match, so that both answers take as long. No password is known to match. */
const dummyHash = format(passwordCost, new Uint8Array(saltBytes).fill(0x5a), new Uint8Array(hashBytes).fill(0xa5))

/** Stored for a person who has not chosen a password yet. No password matches it. */
export const noPassword = '-'

/** A new hash as it is stored: `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`, base64 without padding (the PHC string format). */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes)
  return format(passwordCost, salt, await derive(password, salt, hashBytes, passwordCost))
}

/**
 * Whether the password is the stored one; where nobody has the e-mail, or nobody chose a password, false after the same work.
 * Throws on a damaged hash.
 */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const known = stored === noPassword ? undefined : stored
  const { salt, hash, ...used } = parse(known ?? dummyHash)
  const same = timingSafeEqual(await derive(password, salt, hash.length, used), hash)
  return same && known !== undefined
}

let runs = 0

/** How often this isolate derived a key: what answers that must cost the same are compared by. */
export function scryptRuns(): number {
  return runs
}

/** NFKC, so that one password typed on two keyboards is one password. */
function derive(password: string, salt: Uint8Array, length: number, { ln, r, p }: PasswordCost): Promise<Uint8Array> {
  runs += 1
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, length, { N: 2 ** ln, r, p, maxmem: scryptMemoryBytesMax }, (error, key) => {
      if (error) reject(error)
      else resolve(key)
    })
  })
}

function format({ ln, r, p }: PasswordCost, salt: Uint8Array, hash: Uint8Array): string {
  return `$scrypt$ln=${ln},r=${r},p=${p}$${toBase64(salt)}$${toBase64(hash)}`
}

function parse(stored: string): PasswordCost & { salt: Uint8Array; hash: Uint8Array } {
  const [, ln, r, p, salt, hash] = storedPattern.exec(stored) ?? []
  if (salt === undefined || hash === undefined) throw new Error('stored password hash has an unknown format')
  return { ln: Number(ln), r: Number(r), p: Number(p), salt: fromBase64(salt), hash: fromBase64(hash) }
}
