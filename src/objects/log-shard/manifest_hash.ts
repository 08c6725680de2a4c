import { createHash } from 'node:crypto'
import type { ManifestOperation } from './protocol_storage.ts'

/** What stands for the operation before the first one. */
export const noHash = '0'.repeat(64)

/** Hexadecimal SHA-256 of bytes or of text in UTF-8. */
export function sha256Hex(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex')
}

/** The hash of an operation, which covers that of the one before it: changing any of them changes all that follow. */
export function hashOfOperation(operation: Omit<ManifestOperation, 'hash'>): string {
  return sha256Hex(canonicalJson(operation))
}

/** JSON with keys in alphabetical order (by UTF-16 units) and no white space: one text for one value. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, content]) => `${JSON.stringify(name)}:${canonicalJson(content)}`).join(',')}}`
}
