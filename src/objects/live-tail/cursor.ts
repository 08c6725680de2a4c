import { fromBase64Url, toBase64Url } from '../../core/bytes.ts'
import { seqMax, shardNumberMax } from '../../core/limits.ts'

/** Shard number to the sequence number of the last row that is dealt with: sent, filtered out, or told as dropped. */
export type Positions = ReadonlyMap<number, number>

const version = 1
const headerBytes = 5

/**
 * Where a live tail stands: version, a check of the organization, then a pair of LEB128 numbers for each shard. It is
 * no secret and carries no right: shards are reached through the ticket's organization only.
 */
export function encodeTailCursor(organizationId: string, positions: Positions): string {
  const bytes: number[] = [version, ...organizationCheck(organizationId)]
  for (const [shard, seq] of [...positions].sort(([a], [b]) => a - b)) {
    putInteger(bytes, shard)
    putInteger(bytes, seq)
  }
  return toBase64Url(Uint8Array.from(bytes))
}

/** Undefined for anything that `encodeTailCursor` did not make for this organization. */
export function decodeTailCursor(organizationId: string, text: string): Map<number, number> | undefined {
  // Base64 of whole bytes never leaves one character over.
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return undefined
  const bytes = fromBase64Url(text)
  const positions = new Map<number, number>()
  for (let at = headerBytes; at < bytes.length;) {
    const shard = getInteger(bytes, at)
    const seq = getInteger(bytes, shard.next)
    if (shard.value > shardNumberMax || seq.value > seqMax) return undefined
    positions.set(shard.value, seq.value)
    at = seq.next
  }
  // Only the canonical spelling passes: version, organization, order, no repeats, nothing cut off.
  return encodeTailCursor(organizationId, positions) === text ? positions : undefined
}

/** FNV-1a (32 bits): tells a cursor of another organization from a mistake of ours, nothing more. */
function organizationCheck(organizationId: string): number[] {
  let hash = 0x811c9dc5
  for (let i = 0; i < organizationId.length; i++) hash = Math.imul(hash ^ organizationId.charCodeAt(i), 0x01000193)
  return [hash & 0xff, (hash >>> 8) & 0xff, (hash >>> 16) & 0xff, hash >>> 24]
}

/** Division, not shifts: sequence numbers have 48 bits. */
function putInteger(bytes: number[], value: number): void {
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
}

/** Reads past the end as zero: the caller compares the canonical spelling anyway. */
function getInteger(bytes: Uint8Array, start: number): { value: number; next: number } {
  let value = 0
  let scale = 1
  let at = start
  for (;;) {
    const byte = bytes[at++] ?? 0
    value += (byte & 0x7f) * scale
    if (byte < 0x80 || value > seqMax) return { value, next: at }
    scale *= 0x80
  }
}
