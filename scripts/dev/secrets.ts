import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { generateJwtKeys } from '../../src/features/auth/keys.ts'
import { root } from './settings.ts'

const secretsFile = join(root, '.dev.vars')
const header = '# Secrets of this development machine. Never commit this file.\n'

/** Adds development secrets that .dev.vars lacks, and keeps those it has; true when any was made. */
export async function ensureDevSecrets(): Promise<boolean> {
  if (readDevSecrets()['JWT_KEYS'] !== undefined) return false
  const text = existsSync(secretsFile) ? readFileSync(secretsFile, 'utf8') : header
  const keys = JSON.stringify(await generateJwtKeys())
  writeFileSync(secretsFile, `${text.replace(/\n?$/, '\n')}JWT_KEYS='${keys}'\n`, { mode: 0o600 })
  return true
}

export function readDevSecrets(): Record<string, string | undefined> {
  return existsSync(secretsFile) ? parseEnv(readFileSync(secretsFile, 'utf8')) : {}
}
