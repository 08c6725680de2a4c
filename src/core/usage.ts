/**
 * Why a received record was not stored, in the drop ledger. Stable: they are stored and part of the API. All but the last
 * three concern one record; those refuse a batch as a whole.
 */
export const rejectReasons = [
  'not_an_object',
  'empty',
  'too_large',
  'nested_too_deep',
  'number_out_of_range',
  'too_many_attributes',
  'name_too_long',
  'invalid_value',
  'quota_exceeded',
  'shard_full',
  'idempotency_key_reused',
] as const
export type RejectReason = (typeof rejectReasons)[number]

/** Rows, and raw bytes of their text as it was received, decompressed. */
export interface Volume {
  rows: number
  bytes: number
}

/** Records that were not stored, by reason. */
export type Rejections = Partial<Record<RejectReason, number>>

/** Stored rows of one source. */
export interface SourceVolume extends Volume {
  source: string
}

/** What became of the records of one batch: received.rows = stored.rows + all rejections. Plain data. */
export interface BatchUsage {
  received: Volume
  stored: Volume
  rejected: Rejections
  /** The sources that stored most, at most `usageSourcesPerBatchMax`; what `stored` has beyond them is of others. */
  sources: SourceVolume[]
}
