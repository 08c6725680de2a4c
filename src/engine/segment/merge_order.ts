import { bitmapCount, bitmapHas } from '../bitmap.ts'
import type { Block } from '../block/types.ts'
import { extentOf } from '../encode/extent.ts'
import { lastAtMost } from '../lower_bound.ts'
import type { OpenInputs } from './merge_open.ts'
import type { MergeInput } from './merge_types.ts'

/** What places each row, by its number: rows are numbered through all inputs, in the order of the inputs. */
export interface RowKeys {
  /** Number of the first row of each input, and the number of all rows. */
  starts: Uint32Array
  /** Milliseconds and sequence numbers less these; 4 bytes each where their range allows it. */
  baseMs: number
  ms: Uint32Array | Float64Array
  baseSeq: number
  seq: Uint32Array | Float64Array
  /** Empty as long as every row has 0 nanoseconds. */
  ns: Uint32Array
}

/** Rows that were read and not yet given out. */
export interface RowQueue {
  keys: RowKeys
  /** order[start..end) are row numbers in their final order; no row that is still to be read goes before the first `ready`. */
  order: Uint32Array
  start: number
  end: number
  ready: number
  /** Inputs read so far; they are read in order of their first time. */
  inputsRead: number
  /** Rows of each input that were read and not yet given out. */
  left: Uint32Array
  rowsDropped: number
}

/** Rows merged between two pauses: some 10 ms. */
const pauseRows = 256 * 1024

/** A queue over inputs that are sorted by their smallest time. */
export function createRowQueue(inputs: readonly MergeInput[]): RowQueue {
  const starts = startsOf(inputs)
  const rows = starts[inputs.length]!
  const [minMs = 0, maxMs = 0] = extentOf(Float64Array.from(inputs.flatMap(({ meta }) => [meta.minMs, meta.maxMs])))
  const [minSeq = 0, maxSeq = 0] = extentOf(Float64Array.from(inputs.flatMap((input) => [input.meta.firstSeq, lastSeqOf(input)])))
  const keys: RowKeys = {
    starts,
    baseMs: minMs,
    ms: offsets(rows, maxMs - minMs),
    baseSeq: minSeq,
    seq: offsets(rows, maxSeq - minSeq),
    ns: new Uint32Array(0),
  }
  return {
    keys,
    order: new Uint32Array(rows),
    start: 0,
    end: 0,
    ready: 0,
    inputsRead: 0,
    left: new Uint32Array(inputs.length),
    rowsDropped: 0,
  }
}

function startsOf(inputs: readonly MergeInput[]): Uint32Array {
  const starts = new Uint32Array(inputs.length + 1)
  for (let i = 0; i < inputs.length; i++) starts[i + 1] = starts[i]! + inputs[i]!.meta.rows
  return starts
}

function offsets(rows: number, max: number): Uint32Array | Float64Array {
  return max < 2 ** 32 ? new Uint32Array(rows) : new Float64Array(rows)
}

function lastSeqOf({ meta, lastSeq }: MergeInput): number {
  return lastSeq ?? meta.firstSeq + meta.rows - 1
}

/** Reads inputs until `wanted` rows are ready or no input is left. Pauses are the caller's: it is told where one is possible. */
export function* fillQueue(queue: RowQueue, inputs: readonly MergeInput[], opened: OpenInputs, wanted: number): Generator<undefined> {
  while (queue.ready < wanted && queue.inputsRead < inputs.length) {
    // At least a part of what waits, since sorting looks at all of it again.
    const enough = queue.end + Math.max(wanted - queue.ready, (queue.end - queue.start) >>> 2)
    while (queue.end < enough && queue.inputsRead < inputs.length) {
      const input = queue.inputsRead
      readInput(queue, inputs[input]!, opened.open(input))
      if (queue.left[input] === 0) opened.finish(input)
      queue.inputsRead++
      yield
    }
    yield* sortRows(queue)
    queue.ready = readyRows(queue, inputs[queue.inputsRead]?.meta.minMs ?? Infinity)
  }
}

/** Takes the first `count` rows, which must be ready, out of the queue; inputs that have no others are finished. */
export function takeRows(queue: RowQueue, opened: OpenInputs, count: number): void {
  const { keys, order, start, left } = queue
  for (const input of inputsOf(keys.starts, order.subarray(start, start + count))) if (--left[input]! === 0) opened.finish(input)
  queue.start += count
  queue.ready -= count
}

/** The input of each row, mostly that of the row before. */
export function inputsOf(starts: Uint32Array, order: Uint32Array): Uint32Array {
  const inputs = new Uint32Array(order.length)
  let input = 0
  for (let i = 0; i < order.length; i++) {
    const row = order[i]!
    if (row < starts[input]! || row >= starts[input + 1]!) input = lastAtMost(starts, row)
    inputs[i] = input
  }
  return inputs
}

function readInput(queue: RowQueue, input: MergeInput, block: Block): void {
  const { keys, order, inputsRead } = queue
  const first = keys.starts[inputsRead]!
  const rows = input.meta.rows
  const seqs = block.system('seq')
  if (seqs.range === undefined || seqs.range.max > lastSeqOf(input))
    throw new RangeError(`a row has a greater number than ${lastSeqOf(input)}`)
  readNumbers(block, 'timestamp', keys.ms, first, keys.baseMs)
  readNumbers(block, 'seq', keys.seq, first, keys.baseSeq)
  if (block.system('nanos').range?.max !== 0) {
    if (keys.ns.length === 0) keys.ns = new Uint32Array(order.length)
    readNumbers(block, 'nanos', keys.ns, first, 0)
  }
  const drop = input.drop?.(block)
  const dropped = drop === undefined ? 0 : bitmapCount(drop)
  queue.rowsDropped += dropped
  queue.left[inputsRead] = rows - dropped
  for (let row = 0; row < rows; row++) if (drop === undefined || !bitmapHas(drop, row)) order[queue.end++] = first + row
}

/** A system column of numbers, less `base`, into target[first...]. */
function readNumbers(
  block: Block,
  name: 'timestamp' | 'nanos' | 'seq',
  target: Uint32Array | Float64Array,
  first: number,
  base: number,
): void {
  const data = block.system(name).data()
  const { rows } = block.meta
  if (data.kind === 'number') for (let row = 0; row < rows; row++) target[first + row] = data.values[row]! - base
  else if (data.kind === 'constant') target.fill(Number(data.value) - base, first, first + rows)
  else if (data.kind === 'dictionary') {
    const values = Float64Array.from(data.values, (value) => Number(value) - base)
    for (let row = 0; row < rows; row++) target[first + row] = values[data.codes[row]!]!
  } else throw new TypeError(`${name} is a column of numbers`)
}

/** How many rows have a time before `frontierMs`. */
function readyRows({ keys, order, start, end }: RowQueue, frontierMs: number): number {
  if (frontierMs === Infinity) return end - start
  return firstAt(keys, order, start, end, frontierMs) - start
}

/** Index, within order[start..end), of the first row whose time is `ms` or later. */
export function firstAt({ ms: times, baseMs }: RowKeys, order: Uint32Array, start: number, end: number, ms: number): number {
  let low = start
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if (times[order[middle]!]! + baseMs < ms) low = middle + 1
    else high = middle
  }
  return low
}

/** Natural merge sort: logs are runs in order of time, so that there is little to merge; n log n for any other order. */
function* sortRows(queue: RowQueue): Generator<undefined> {
  const { keys, order, start, end } = queue
  let ends = runEnds(keys, order, start, end)
  if (ends.length <= 1) return
  let from: Uint32Array = order.subarray(start, end)
  let to: Uint32Array = new Uint32Array(end - start)
  while (ends.length > 1) {
    const merged: number[] = []
    let runStart = 0
    let sincePause = 0
    for (let i = 0; i < ends.length; i += 2) {
      const middle = ends[i]!
      const runEnd = ends[i + 1] ?? middle
      mergeRuns(keys, from, to, runStart, middle, runEnd)
      merged.push(runEnd)
      sincePause += runEnd - runStart
      runStart = runEnd
      if (sincePause >= pauseRows) {
        sincePause = 0
        yield
      }
    }
    ;[from, to, ends] = [to, from, merged]
  }
  if (from.buffer !== order.buffer) order.set(from, start)
}

/** Where each ascending run of order[start..end) ends, counted from `start`. */
function runEnds(keys: RowKeys, order: Uint32Array, start: number, end: number): number[] {
  const ends: number[] = []
  for (let i = start + 1; i < end; i++) if (isBefore(keys, order[i]!, order[i - 1]!)) ends.push(i - start)
  if (end > start) ends.push(end - start)
  return ends
}

/** Merges from[start..middle) and from[middle..end) into the same place of `to`. */
function mergeRuns(keys: RowKeys, from: Uint32Array, to: Uint32Array, start: number, middle: number, end: number): void {
  let left = start
  let right = middle
  for (let at = start; at < end; at++) {
    if (left < middle && (right === end || !isBefore(keys, from[right]!, from[left]!))) to[at] = from[left++]!
    else to[at] = from[right++]!
  }
}

/** Whether row `one` goes before row `other` in the order (ms, ns, seq). */
function isBefore({ ms, ns, seq }: RowKeys, one: number, other: number): boolean {
  if (ms[one] !== ms[other]) return ms[one]! < ms[other]!
  if (ns.length > 0 && ns[one] !== ns[other]) return ns[one]! < ns[other]!
  return seq[one]! < seq[other]!
}
