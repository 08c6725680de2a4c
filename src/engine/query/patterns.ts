import { Buffer } from 'node:buffer'
import { patternExampleCharsMax, patternRowsFull, patternRowsPerBlockMax } from '../../core/limits.ts'
import { severities } from '../../core/severity.ts'
import type { Block } from '../block/types.ts'
import type { Aggregate } from './aggregate.ts'
import type { Mask } from './patterns_mask.ts'
import { createMask } from './patterns_mask.ts'
import type { Entries, PatternEntry, PatternTable } from './patterns_table.ts'
import { rowsOf as countedRows, addEntry, addToBucket, clustered, compareRows, isLater, shrink } from './patterns_table.ts'
import type { Picked } from './stats_values.ts'
import { numbersOf, pickColumn, pickValues, rowsOf, textWalker } from './stats_values.ts'

/** Buckets of the counts by time; no row lies before `fromMs`. */
export interface PatternPlan {
  fromMs: number
  bucketMs: number
}

/** What masking leaves of rows without a message. */
const noMessage = ''
/** Bytes of a message that are decoded: more than a mask looks at. */
const messageBytesMax = 16 * 1024
/** What masking a message, and clustering a text, takes as long as decompressing. */
const bytesPerMask = 512
const bytesPerCluster = 4096

/** Groups messages by what is left of them once their variables are masked. Each distinct message of a block is masked once. */
export function createPatterns(plan: PatternPlan): Aggregate<PatternTable> {
  const mask = createMask()
  let entries: Entries = new Map()
  let droppedRows = 0
  let seenRows = 0
  let masked = 0
  let clusteredTexts = 0
  return {
    fields: [{ system: 'message' }, { system: 'severity' }, { system: 'timestamp' }, { system: 'seq' }],
    add(block, found, shard) {
      // The more was looked at, the less the next block can tell.
      const messagesMax = patternRowsPerBlockMax / (1 + masked / patternRowsFull)
      const rows = rowsOf(found)
      const messages = pickValues(block, { system: 'message' }, rows)
      const stride = Math.ceil(messagesIn(messages, rows.length) / messagesMax)
      masked += addRows(entries, { plan, mask, shard, stride }, block, rows, messages)
      seenRows += Math.ceil(rows.length / stride)
      const shrunk = shrink(entries)
      if (shrunk.entries !== entries) clusteredTexts += entries.size
      // Messages that have nothing in common tell nothing more by being many.
      if (shrunk.droppedRows > 0) masked += patternRowsPerBlockMax
      entries = shrunk.entries
      droppedRows += shrunk.droppedRows
    },
    worked: () => masked * bytesPerMask + clusteredTexts * bytesPerCluster,
    result: () => ({ entries: [...entries.values()], droppedRows, seenRows }),
  }
}

export function mergePatterns(tables: readonly PatternTable[]): PatternTable {
  let entries: Entries = new Map()
  let droppedRows = 0
  for (const table of tables) {
    for (const entry of table.entries) addEntry(entries, entry)
    const shrunk = shrink(entries)
    entries = shrunk.entries
    droppedRows += table.droppedRows + shrunk.droppedRows
  }
  return { entries: [...entries.values()], droppedRows, seenRows: tables.reduce((sum, table) => sum + table.seenRows, 0) }
}

/** The patterns of merged tables, those of most rows first; rows without a message are in none. */
export function answerPatterns({ entries }: PatternTable): PatternEntry[] {
  const byText: Entries = new Map()
  for (const entry of entries) if (entry.text !== noMessage) addEntry(byText, entry)
  return [...clustered(byText).values()].sort(compareRows)
}

/** Rows without a message, or with one of nothing but white space. */
export function rowsWithoutMessage({ entries }: PatternTable): number {
  return entries.reduce((sum, entry) => sum + (entry.text === noMessage ? countedRows(entry) : 0), 0)
}

/** Share of the counted rows that were looked at: 1 when counts are exact, else they are estimates. */
export function sampleRate({ entries, droppedRows, seenRows }: PatternTable): number {
  const rows = entries.reduce((sum, entry) => sum + countedRows(entry), droppedRows)
  return rows === 0 ? 1 : seenRows / rows
}

interface Work {
  plan: PatternPlan
  mask: Mask
  shard: number
  /** Every so many rows one is looked at, and counts for all of them. */
  stride: number
}

/** Adds the rows; answers how many messages were masked. Objects come from elsewhere: see encode/extent.ts. */
function addRows(
  entries: Entries,
  { plan, mask, shard, stride }: Work,
  block: Block,
  rows: Uint32Array,
  messages: Picked | undefined,
): number {
  const { values: times } = numbersOf(pickColumn(block.system('timestamp'), rows))
  const { values: severity } = numbersOf(pickColumn(block.system('severity'), rows))
  const messageAt = messageReader(messages)
  const known = new Map<number, PatternEntry>()
  for (let i = 0; i < rows.length; i += stride) {
    const place = messages?.at[i] ?? -1
    const ms = times[i]!
    let entry = known.get(place)
    if (entry === undefined) known.set(place, (entry = entryOf(entries, mask(messageAt(place)))))
    const weight = Math.min(stride, rows.length - i)
    entry.counts[severity[i]!]! += weight
    addToBucket(entry, Math.floor((ms - plan.fromMs) / plan.bucketMs), weight)
    if (ms < entry.firstMs) entry.firstMs = ms
    if (ms > entry.lastMs) entry.lastMs = ms
    if (ms >= entry.example.ms) showLater(entry, ms, shard, block.seq(rows[i]!), () => messageAt(place))
  }
  return known.size
}

/** Makes a row the example of its pattern when it is later than the present one. */
function showLater(entry: PatternEntry, ms: number, shard: number, seq: number, message: () => string): void {
  if (isLater({ ms, shard, seq }, entry.example))
    entry.example = { ms, shard, seq, message: message().slice(0, patternExampleCharsMax).toWellFormed() }
}

function entryOf(entries: Entries, text: string): PatternEntry {
  let entry = entries.get(text)
  if (entry === undefined) {
    const counts = severities.map(() => 0)
    entry = { text, counts, firstMs: Infinity, lastMs: -Infinity, buckets: [], example: { ms: -1, shard: 0, seq: 0, message: '' } }
    entries.set(text, entry)
  }
  return entry
}

/** Messages that would have to be masked. */
function messagesIn(messages: Picked | undefined, rows: number): number {
  if (messages === undefined) return 1
  const { list } = messages
  return list.kind === 'values' && list.distinct ? Math.min(list.values.length, rows) : rows
}

/** The message at a place; places of plain text must not descend. */
function messageReader(messages: Picked | undefined): (place: number) => string {
  if (messages === undefined) return () => ''
  const { list } = messages
  if (list.kind !== 'texts') return (place) => (place < 0 ? '' : String(list.values[place]))
  const textAt = textWalker(list.pages, (bytes, start, end) =>
    Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(end - start, messageBytesMax)).toString('utf8'),
  )
  return (place) => (place < 0 ? '' : textAt(place))
}
