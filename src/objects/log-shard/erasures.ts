import { erasuresEndedMax } from '../../core/limits.ts'
import type { Erasure } from '../../engine/query/erasure.ts'
import { erasureFilters } from '../../engine/query/erasure.ts'
import type { ErasureFilter } from '../../engine/query/types.ts'
import type { Change } from './manifest.ts'
import type { ShardStore } from './store.ts'

export type Erasures = ReturnType<typeof createErasures>

export interface StoredErasure extends Erasure {
  /** `kept`: all is done but for damaged parts, whose rows stay invisible. */
  status: 'running' | 'kept'
  /** Segments of later operations were written without its rows. */
  operation: number
  /** Segments up to this key have been looked at. */
  afterKey: string
  /** Rows removed so far. */
  erased: number
  /** Parts that could not be looked at, as of the end. */
  damaged: number
}

/** What is told of an erasure that is over. It is not held in memory, and its query is forgotten. */
export interface EndedErasure extends Pick<StoredErasure, 'id' | 'maxSeq' | 'createdMs' | 'erased' | 'damaged'> {
  status: 'done' | 'failed'
  /** Why it failed. */
  reason: string
}

/** Deletes by query: their rows are invisible from the start, and gone once the last segment was looked at. */
export function createErasures(store: ShardStore) {
  const known = new Map(store.loadErasures().map((erasure) => [erasure.id, erasure]))
  let filters: readonly ErasureFilter[] | undefined

  const active = (): StoredErasure[] => [...known.values()]

  return {
    /** One that is not over. */
    get: (id: string): StoredErasure | undefined => known.get(id),
    ended: (id: string): EndedErasure | undefined => store.readEndedErasure(id),

    /** Those whose rows must not be seen, in the order of their beginning. */
    active,
    running: (): StoredErasure[] => active().filter(({ status }) => status === 'running'),

    /** The same as queries know them. */
    plain: (): Erasure[] => active().map(({ id, q, range, maxSeq, createdMs }) => ({ id, q, range, maxSeq, createdMs })),

    /** The same with their queries parsed, in the same order. */
    filters(): readonly ErasureFilter[] {
      return (filters ??= erasureFilters(active()))
    },

    /** When the newest began: an edit after it is newer than that. */
    newestMs: (): number => Math.max(0, ...active().map(({ createdMs }) => createdMs)),

    /** Call `afterwards` once the transaction holds. */
    save(erasure: StoredErasure): Change {
      store.saveErasure(erasure)
      return {
        afterwards() {
          known.set(erasure.id, erasure)
          filters = undefined
        },
      }
    },

    /** Its rows are no longer hidden. Call `afterwards` once the transaction holds. */
    end({ id, maxSeq, createdMs, erased }: StoredErasure, status: EndedErasure['status'], reason = ''): Change {
      store.endErasure({ id, maxSeq, createdMs, erased, damaged: 0, status, reason }, erasuresEndedMax)
      return {
        afterwards() {
          known.delete(id)
          filters = undefined
        },
      }
    },
  }
}
