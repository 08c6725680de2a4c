import { parseQuery } from '../../src/engine/query/parser.ts'
import type { StoredRow } from '../../src/engine/row.ts'
import type { EraseRequest } from '../../src/objects/log-shard/protocol_storage.ts'
import { matchesNaively } from '../support/naive.ts'

/** Whether a delete by query that begins now takes the row: rows that are edited later are not there yet. */
export function isErased({ q, range }: EraseRequest, _nowMs: number): (row: StoredRow) => boolean {
  const filter = parseQuery(q)
  return (row) => row.timestampMs >= range.fromMs && row.timestampMs < range.toMs && matchesNaively(filter, row)
}
