import { erasuresKeptMax, erasuresPerShardMax } from '../../core/limits.ts'
import { parseQuery } from '../../engine/query/parser.ts'
import { inTransaction } from './upkeep/commit.ts'
import { segmentsLeft } from './upkeep/erase.ts'
import type { EraseProgress, EraseRequest, StartEraseReply } from './protocol_storage.ts'
import type { ShardState } from './state.ts'

/** Makes all rows that match now invisible, durably; jobs remove them. Throws QueryError when the query is none. */
export function startErase(state: ShardState, { id, q, range }: EraseRequest, nowMs: number): StartEraseReply {
  const { erasures, index, manifest, patches } = state
  const known = erasures.get(id) ?? erasures.ended(id)
  if (known !== undefined) return { status: 'started', maxSeq: known.maxSeq }
  if (erasures.running().length >= erasuresPerShardMax || erasures.active().length >= erasuresKeptMax)
    return { status: 'too_many_erasures' }
  parseQuery(q)
  const maxSeq = index.lastSeq()
  // The job at work, if any, began without this erasure, so what its operation adds is to be looked at too.
  const operation = manifest.record().last.number + 1
  // Every edit so far is older than the erasure, also where the clock went back.
  const createdMs = Math.max(nowMs, manifest.record().foldedMs, patches.newestMs())
  const begun = { id, q, range, maxSeq, createdMs, status: 'running', operation } as const
  inTransaction(state, () => [erasures.save({ ...begun, afterKey: '', erased: 0, damaged: 0 })])
  return { status: 'started', maxSeq }
}

/** How far an erasure is; one of those that are over for long is not known any more. */
export function eraseProgress({ erasures, manifest }: ShardState, id: string): EraseProgress {
  const erasure = erasures.get(id) ?? erasures.ended(id)
  if (erasure === undefined) return { status: 'unknown' }
  const { status, erased } = erasure
  if (status === 'failed') return { status, erased, reason: erasure.reason }
  if (status === 'running') return { status, erased, segmentsLeft: segmentsLeft(erasure, [...manifest.entries()]).length }
  return { status: 'done', erased, damaged: erasure.damaged }
}
