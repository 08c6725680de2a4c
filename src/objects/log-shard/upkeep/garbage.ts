import { manifestKeepMs, manifestPageMax, objectDeleteKeysMax } from '../../../core/limits.ts'
import { inTransaction } from './commit.ts'
import type { Due, JobContext, JobView } from './job.ts'

/** Objects that no query can need any more, and those that a job wrote before it died. */
export function dueGarbage({ garbageDueMs }: JobView): Due | null {
  return garbageDueMs === null ? null : { atMs: garbageDueMs, job: { kind: 'garbage' } }
}

/** Deletes up to `objectDeleteKeysMax` objects that are due, and then operations that nothing needs. Throws when the manifest names one of them. */
export async function collectGarbage(context: JobContext): Promise<void> {
  const { state, objects, now } = context
  const keys = state.store.readGarbage(now(), objectDeleteKeysMax)
  const present = keys.find((key) => state.manifest.get(key) !== undefined)
  if (present !== undefined) throw new Error(`${present} is no garbage: the manifest names it`)
  if (keys.length > 0) await objects.delete(keys)
  state.store.transaction(() => state.store.forgetGarbage(keys))
  pruneManifest(context)
}

/** Old operations go whose segments are all gone; the anchor keeps the hash that the rest of the chain builds on. */
function pruneManifest({ state, now }: JobContext): void {
  const { manifest, store } = state
  let anchor = manifest.record().anchor
  for (const { number, hash, atMs, added } of store.readOperations(anchor.number, manifestPageMax)) {
    if (atMs > now() - manifestKeepMs || added.some(({ key }) => manifest.get(key) !== undefined)) break
    anchor = { number, hash }
  }
  if (anchor.number === manifest.record().anchor.number) return
  inTransaction(state, () => {
    store.deleteOperations(anchor.number)
    return [manifest.save({ anchor })]
  })
}
