import { dueErase } from './erase.ts'
import { dueFold } from './fold.ts'
import { dueGarbage } from './garbage.ts'
import type { Due, JobView } from './job.ts'
import { dueMerge } from './merge.ts'
import { dueRetention } from './retention.ts'
import { dueSeal } from './seal.ts'

/** Most urgent first: what bounds memory and loss, what people wait for, what saves requests and space. */
const kinds: readonly ((view: JobView) => Due | null)[] = [dueUsage, dueSeal, dueErase, dueFold, dueRetention, dueMerge, dueGarbage]

/** The most urgent job that is due, else the one that is due first; null when there is nothing to do, ever. */
export function nextJob(view: JobView): Due | null {
  let first: Due | null = null
  for (const dueOf of kinds) {
    const due = dueOf(view)
    if (due === null) continue
    const atMs = Math.max(due.atMs, view.retryMs.get(due.job.kind) ?? 0)
    if (atMs <= view.nowMs) return { ...due, atMs }
    if (first === null || atMs < first.atMs) first = { ...due, atMs }
  }
  return first
}

/** What was refused as a whole is written to the usage ledger some time later. */
function dueUsage({ usageDueMs }: JobView): Due | null {
  return usageDueMs === null ? null : { atMs: usageDueMs, job: { kind: 'usage' } }
}
