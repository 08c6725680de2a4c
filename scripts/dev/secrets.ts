import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { generateJwtKeys } from '../../src/features/auth/keys.ts'
import { root } from './settings.ts'

const secretsFile = join(root, '.dev.vars')
const header = '# Secrets of this development machine. Never commit this file.\n'

/** How each secret of a development machine is made. */
const makers: Readonly<Record<string, () => Promise<string>>> = {
  JWT_KEYS: async () => JSON.stringify(await generateJwtKeys()),
  ENCRYPTION_KEYS: async () => JSON.stringify(newSealingKeys()),
  METRICS_TOKEN: async () => randomBytes(24).toString('base64url'),
}

/** New secrets of every kind, for a server that lives no longer than a test or a benchmark. */
export async function newSecrets(): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(Object.entries(makers).map(async ([name, make]) => [name, await make()] as const)))
}

/** A value of ENCRYPTION_KEYS: one AES-256 key. */
export function newSealingKeys(): { kid: string; k: string }[] {
  return [{ kid: randomBytes(6).toString('hex'), k: randomBytes(32).toString('base64url') }]
}

/** Adds development secrets that .dev.vars lacks, and keeps those it has; true when any was made. */
export async function ensureDevSecrets(): Promise<boolean> {
  const present = readDevSecrets()
  const missing = Object.entries(makers).filter(([name]) => present[name] === undefined)
  if (missing.length === 0) return false
  let text = existsSync(secretsFile) ? readFileSync(secretsFile, 'utf8').replace(/\n?$/, '\n') : header
  for (const [name, make] of missing) text += `${name}='${await make()}'\n`
  writeFileSync(secretsFile, text, { mode: 0o600 })
  return true
}

export function readDevSecrets(): Record<string, string | undefined> {
  return existsSync(secretsFile) ? parseEnv(readFileSync(secretsFile, 'utf8')) : {}
}
