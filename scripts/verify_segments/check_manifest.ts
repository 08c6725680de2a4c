import { hashOfOperation, noHash } from '../../src/objects/log-shard/manifest_hash.ts'
import type { ManifestOperation } from '../../src/objects/log-shard/protocol_storage.ts'

/** The chain of one shard as the service told it. */
export interface ShardManifest {
  shard: number
  region: string
  /** Ascending. */
  operations: ManifestOperation[]
  last: { number: number; hash: string }
  /** The newest operation that was pruned; number 0 when none was. */
  anchor: { number: number; hash: string }
}

/** A segment that is there now, as the list of segments has it. */
export interface ListedSegment {
  id: string
  key: string
  rows: number
  bytes: number
  sha256: string
}

/** Everything that is wrong with a chain of operations, in sentences; and the segments that it says there are. */
export function checkManifest(manifest: ShardManifest): { problems: string[]; present: Map<string, ListedSegment> } {
  const { operations, last, anchor } = manifest
  const problems: string[] = []
  const present = new Map<string, ListedSegment>()
  let before = anchor
  let sealedSeq: number | undefined = anchor.number === 0 ? 0 : undefined
  if (anchor.number === 0 && anchor.hash !== noHash) problems.push('the anchor has number 0, but a hash')
  for (const operation of operations) {
    const found = [...checkLink(operation, before), ...checkRows(operation), ...checkSealed(operation, sealedSeq)]
    problems.push(...found, ...apply(operation, present, anchor.number > 0))
    before = operation
    sealedSeq = operation.sealed?.toSeq ?? sealedSeq
  }
  if (last.number !== before.number) problems.push(`the chain ends with operation ${before.number}, not ${last.number}`)
  else if (last.hash !== before.hash) problems.push(`the chain ends with hash ${before.hash}, not ${last.hash}`)
  return { problems, present }
}

/** What is wrong between the segments that a chain leaves and those that are listed. */
export function checkListed(present: ReadonlyMap<string, ListedSegment>, listed: readonly ListedSegment[]): string[] {
  const problems: string[] = []
  const keys = new Set<string>()
  for (const segment of listed) {
    const expected = present.get(segment.key)
    if (keys.has(segment.key)) problems.push(`${segment.key} is listed twice`)
    keys.add(segment.key)
    if (expected === undefined) problems.push(`${segment.key} is listed, but no operation of the manifest left it`)
    else if (expected.sha256 !== segment.sha256) problems.push(`${segment.key} is listed with another hash than in the manifest`)
    else if (expected.bytes !== segment.bytes || expected.rows !== segment.rows)
      problems.push(`${segment.key} is listed with another size than in the manifest`)
  }
  for (const key of present.keys()) if (!keys.has(key)) problems.push(`${key} is in the manifest, but not listed`)
  return problems
}

function checkLink(operation: ManifestOperation, before: { number: number; hash: string }): string[] {
  const { hash, ...content } = operation
  const name = `operation ${operation.number}`
  const problems: string[] = []
  if (operation.number !== before.number + 1) problems.push(`${name} follows operation ${before.number}: operations are missing`)
  if (operation.previousHash !== before.hash) problems.push(`${name} does not carry the hash of the operation before it`)
  if (hashOfOperation(content) !== hash) problems.push(`${name} was altered: its hash is not that of its content`)
  return problems
}

/** Rows neither appear nor vanish: what went in is what came out and what the operation says is gone. */
function checkRows({ number, kind, added, removed, sealed, gone }: ManifestOperation): string[] {
  const sum = (parts: readonly { rows: number }[]) => parts.reduce((total, { rows }) => total + rows, 0)
  const before = sealed === null ? sum(removed) : sealed.toSeq - sealed.fromSeq + 1 + sum(removed)
  const after = sum(added) + Object.values(gone).reduce((total, rows) => total + rows, 0)
  return before === after ? [] : [`operation ${number} (${kind}) took ${before} rows and accounts for ${after}`]
}

/** Sequence numbers are sealed one after the other, without gap or repeat. */
function checkSealed({ number, sealed }: ManifestOperation, sealedSeq: number | undefined): string[] {
  if (sealed === null || sealedSeq === undefined || sealed.fromSeq === sealedSeq + 1) return []
  return [`operation ${number} seals from sequence number ${sealed.fromSeq}, but ${sealedSeq} was the last one sealed`]
}

/** Operations before the anchor are not there any more, and with them the names of segments that were replaced since. */
function apply({ number, added, removed }: ManifestOperation, present: Map<string, ListedSegment>, pruned: boolean): string[] {
  const problems: string[] = []
  for (const { key, rows } of removed) {
    const known = present.get(key)
    if (known === undefined && !pruned) problems.push(`operation ${number} removes ${key}, which was not there`)
    if (known !== undefined && known.rows !== rows)
      problems.push(`operation ${number} removes ${rows} rows of ${key}, which has ${known.rows}`)
    present.delete(key)
  }
  for (const { key, rows, bytes, sha256 } of added) {
    if (present.has(key)) problems.push(`operation ${number} adds ${key}, which is there already`)
    present.set(key, { id: '', key, rows, bytes, sha256 })
  }
  return problems
}
