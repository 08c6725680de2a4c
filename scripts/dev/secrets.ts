import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './settings.ts'

const secretsFile = join(root, '.dev.vars')

/** Adds development secrets that .dev.vars lacks, and keeps those it has; true when any was made. */
export function ensureDevSecrets(): boolean {
  const text = existsSync(secretsFile)
    ? readFileSync(secretsFile, 'utf8')
    : '# Secrets of this development machine. Never commit this file.\n'
  if (/^\s*JWT_KEYS\s*=/m.test(text)) return false
  const { privateKey } = generateKeyPairSync('ed25519')
  const keys = [{ ...privateKey.export({ format: 'jwk' }), kid: randomUUID() }]
  writeFileSync(secretsFile, `${text.replace(/\n?$/, '\n')}JWT_KEYS='${JSON.stringify(keys)}'\n`, { mode: 0o600 })
  return true
}
