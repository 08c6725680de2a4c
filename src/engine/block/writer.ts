import { blockBytesMax, blockTextUnitsMax } from '../../core/limits.ts'
import { wholeFilter } from '../encode/bloom.ts'
import type { EncodableRow, StoredRow } from '../row.ts'
import type { BlockBuffer, RowExtra } from './block_buffer.ts'
import { addRow, checkRow, createBuffer, isFull, releaseBuffer } from './block_buffer.ts'
import { encodeBuffer } from './buffer_encoder.ts'
import { writeHead } from './head.ts'
import { noReadCost } from './read_cost.ts'
import { openBlock } from './reader.ts'
import type { EncodedBlock } from './types.ts'

export interface BlockBuilder {
  /** Takes over a row; the caller may reuse the object. Throws RangeError when a field is out of its range. */
  add(row: EncodableRow, extra?: RowExtra): void
  /** The rows as blocks, in order of arrival; the builder is then empty and can be used again. */
  finish(): EncodedBlock[]
}

/** Collects rows and cuts them into blocks that fit every limit. `createdMs` is when the rows were received. */
export function createBlockBuilder(createdMs: number): BlockBuilder {
  let buffer = createBuffer()
  let blocks: EncodedBlock[] = []
  let unitsMax = blockTextUnitsMax

  function cut(): void {
    if (buffer.rows === 0) return
    const encoded = encodeWithin(buffer)
    // Encoding twice is dear: text that hardly compressed tells where to cut the text that follows.
    if (encoded.length > 1) unitsMax = Math.floor(buffer.textUnits / encoded.length)
    blocks.push(...encoded)
    releaseBuffer(buffer)
    buffer = createBuffer()
  }

  return {
    add(row, extra) {
      checkRow(row)
      if (isFull(buffer, row.names.length, unitsMax)) cut()
      addRow(buffer, row, extra, createdMs)
    },
    finish() {
      cut()
      const finished = blocks
      blocks = []
      return finished
    },
  }
}

/** One block, or several when one would be too large to store. */
function encodeWithin(buffer: BlockBuffer): EncodedBlock[] {
  const block = encode(buffer)
  if (block.meta.bytes <= blockBytesMax) return [block]
  if (buffer.rows === 1) throw new RangeError(`a row of ${block.meta.bytes} bytes does not fit a block`)
  const hasSeq = buffer.system.seq.count > 0
  const opened = openBlock(block.meta, block.head, () => block.body, noReadCost())
  const rows = opened.materialise(Array.from({ length: buffer.rows }, (_, row) => row))
  opened.release()
  // A fifth more than needed, since parts share less than the whole does.
  const partRows = Math.ceil(buffer.rows / Math.ceil((block.meta.bytes / blockBytesMax) * 1.2))
  const blocks: EncodedBlock[] = []
  for (let start = 0; start < rows.length; start += partRows)
    blocks.push(...encodeWithin(bufferOf(rows.slice(start, start + partRows), hasSeq)))
  return blocks
}

function bufferOf(rows: readonly StoredRow[], hasSeq: boolean): BlockBuffer {
  const buffer = createBuffer()
  for (const { attributes, seq, createdMs, updatedMs, ...fields } of rows) {
    const row = { ...fields, names: Object.keys(attributes), values: Object.values(attributes) }
    addRow(buffer, row, hasSeq ? { seq, createdMs, updatedMs } : { createdMs, updatedMs }, createdMs)
  }
  return buffer
}

function encode(buffer: BlockBuffer): EncodedBlock {
  const { directory, body, filters, meta } = encodeBuffer(buffer, { filterOf: wholeFilter, ofIntegers: false })
  const head = writeHead(meta, body.length, directory, filters)
  return { head, body, meta: { ...meta, bytes: head.length + body.length } }
}
