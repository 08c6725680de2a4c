import { manifestPageMax } from '../../core/limits.ts'
import { inTransaction } from './upkeep/commit.ts'
import { erasingIn } from './upkeep/erase.ts'
import { dueRetention } from './upkeep/retention.ts'
import { partsOf } from './upkeep/view.ts'
import type { ManifestPage, RetentionProgress, StorageState } from './protocol_storage.ts'
import type { ShardState } from './state.ts'

/** What is stored, in one moment. */
export function storageState(state: ShardState): StorageState {
  const { manifest, index } = state
  const { sealedSeq, last } = manifest.record()
  return {
    segments: manifest.all(),
    sealedSeq,
    lastSeq: index.lastSeq(),
    hot: index.hot(sealedSeq),
    damaged: manifest.damage.all(),
    erasing: erasingIn(state),
    manifest: last,
  }
}

/** Operations with a greater number than `afterNumber`, ascending. */
export function manifestPage(
  { manifest, store }: ShardState,
  { afterNumber, limit }: { afterNumber: number; limit: number },
): ManifestPage {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > manifestPageMax) throw new RangeError(`a page of ${limit} operations`)
  const { last, anchor } = manifest.record()
  return { operations: store.readOperations(afterNumber, limit), last, anchor }
}

/**
 * Rows received before `keepFromMs` are expired from now on, and removed by jobs. A call of an older version of the settings
 * than the last one came late, and changes nothing.
 */
export function applyRetention(state: ShardState, toldMs: number, version: number): RetentionProgress {
  if (!Number.isSafeInteger(toldMs) || toldMs < 0) throw new RangeError(`rows kept from ${toldMs}`)
  const { manifest, store } = state
  const known = manifest.record()
  if (version >= known.keepVersion && (toldMs !== known.keepFromMs || version !== known.keepVersion))
    inTransaction(state, () => [manifest.save({ keepFromMs: toldMs, keepVersion: version })])
  const { keepFromMs } = manifest.record()
  const { sound, damaged } = partsOf(manifest)
  const oldestDamagedBlockMs = store.oldestDamagedMs()
  const due = dueRetention({ nowMs: 0, keepFromMs, segments: sound, damagedSegments: damaged, oldestDamagedBlockMs })
  return { removedRows: manifest.record().expiredRows, pending: due !== null }
}
