import type { Damage } from '../../../engine/query/types.ts'
import type { SegmentMeta } from '../../../engine/segment/types.ts'
import type { Change, OperationContent } from '../manifest.ts'
import type { ManifestKind } from '../protocol_storage.ts'
import type { StorageRecord } from '../store_storage.ts'
import type { JobContext } from './job.ts'
import type { Rewritten } from './rewrite.ts'

export interface Commit {
  kind: ManifestKind
  rewritten: Rewritten
  /** Segments that the rewrite replaces. */
  replaced: readonly SegmentMeta[]
  sealed?: OperationContent['sealed']
  /** Rows that stay behind in damaged hot blocks. */
  damagedRows?: number
  record?: Partial<StorageRecord>
  /** What else belongs into the transaction. */
  also?: () => Change[]
}

/**
 * Makes a rewrite the truth, in one transaction: the manifest's operation, the patches that are folded in, what each erasure
 * removed. Throws, and nothing changes, when rows do not add up.
 */
export function commit(context: JobContext, { kind, rewritten, replaced, ...more }: Commit): void {
  const { state, now } = context
  const { added, folded, expired, erased, sources, damaged } = rewritten
  const content: OperationContent = {
    atMs: now(),
    kind,
    added,
    removed: replaced.map(({ key, rows }) => ({ key, rows })),
    sealed: more.sealed ?? null,
    gone: {
      deleted: folded.filter(({ row }) => row === null).length,
      expired,
      erased: sum(erased.values()),
      damaged: more.damagedRows ?? 0,
    },
  }
  checkRows(content, sum(sources.map(({ rows }) => rows)))
  const before = state.manifest.record()
  const expiredRows = before.expiredRows + expired
  const foldedMs = folded.reduce((max, { row }) => Math.max(max, row?.updatedMs ?? 0), before.foldedMs)
  inTransaction(state, () => [
    state.manifest.append(content, { expiredRows, foldedMs, ...more.record }),
    state.patches.remove(folded),
    ...countErased(state, erased),
    ...damaged.map(state.manifest.damage.add),
    ...(more.also?.() ?? []),
  ])
  for (const damage of damaged) tellDamage(context, kind, damage)
}

/** Runs changes of SQLite together; memory follows when they hold. */
export function inTransaction({ store }: JobContext['state'], work: () => Change[]): void {
  const changes = store.transaction(work)
  for (const change of changes) change.afterwards()
}

/** Remembers damaged parts, so that no job tries them again. */
export function markDamaged(context: JobContext, job: string, damaged: readonly Damage[]): void {
  const { manifest } = context.state
  if (damaged.length > 0) inTransaction(context.state, () => damaged.map(manifest.damage.add))
  for (const damage of damaged) tellDamage(context, job, damage)
}

function tellDamage({ log, identity }: JobContext, job: string, { segment, reason }: Damage): void {
  log('error', 'damaged part', { ...identity(), job, segment, damaged: reason })
}

function countErased({ erasures }: JobContext['state'], erased: ReadonlyMap<string, number>): Change[] {
  return [...erased].flatMap(([id, rows]) => {
    const erasure = erasures.get(id)
    return rows === 0 || erasure === undefined ? [] : [erasures.save({ ...erasure, erased: erasure.erased + rows })]
  })
}

/** Every row that went in came out, or is counted as gone. */
function checkRows({ kind, added, gone }: OperationContent, rowsIn: number): void {
  const rowsOut = sum(added.map(({ rows }) => rows))
  if (rowsIn !== rowsOut + gone.deleted + gone.expired + gone.erased)
    throw new Error(`a ${kind} of ${rowsIn} rows wrote ${rowsOut}, less ${JSON.stringify(gone)}`)
}

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const each of numbers) total += each
  return total
}
