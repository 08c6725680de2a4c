import type { RejectReason } from '../core/usage.ts'

/** Why a record cannot be kept: the code under which it is counted, and words that follow "it" in an answer. */
export interface RowFault {
  readonly code: RejectReason
  readonly text: string
}
