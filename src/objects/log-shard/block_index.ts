import { severities } from '../../core/severity.ts'
import type { BlockMeta } from '../../engine/block/types.ts'
import type { TimeRange } from '../../engine/query/types.ts'

export type BlockIndex = ReturnType<typeof createBlockIndex>

/** Blocks of one piece of the index; pieces are added, so that growing copies nothing. */
const pieceBlocks = 1024

/**
 * Metas of the blocks that are not sealed in seq order, by place from 0: hot ones, each of which starts where the one before
 * it ends, and before them damaged ones, which no segment could take. A meta is made anew each time that it is asked for.
 */
export function createBlockIndex() {
  let list = createBlockList()
  let lastSeq = 0

  return {
    push(meta: BlockMeta): void {
      if (meta.firstSeq !== lastSeq + 1) throw new Error(`block ${meta.firstSeq} does not follow row ${lastSeq}`)
      list.put(meta)
      lastSeq += meta.rows
    },

    /** Rows up to `seq` exist, though not all in a block of this index; the next block follows them. */
    skipTo(seq: number): void {
      if (seq < lastSeq) throw new Error(`row ${lastSeq} is behind row ${seq}`)
      lastSeq = seq
    },

    /** Forgets the blocks that `keep` does not want; their rows still count for `lastSeq`. */
    retain(keep: (meta: BlockMeta) => boolean): void {
      const before = list
      list = createBlockList()
      for (let place = 0; place < before.size(); place++) {
        const meta = before.at(place)
        if (keep(meta)) list.put(meta)
      }
    },

    size: () => list.size(),
    lastSeq: () => lastSeq,
    at: (place: number): BlockMeta => list.at(place),
    /** Smallest and greatest event time of these blocks; Infinity and -Infinity when there are none. */
    extent: (): Readonly<{ minMs: number; maxMs: number }> => list.extent,

    /** What is hot: all behind the damaged blocks. */
    hot(sealedSeq: number): { blocks: number; rows: number; bytes: number } {
      const damaged = list.placeOf(sealedSeq + 1)
      return { blocks: list.size() - damaged, rows: lastSeq - sealedSeq, bytes: list.bytes() - list.bytesBefore(damaged) }
    },

    find(seq: number): BlockMeta | undefined {
      const place = list.placeOf(seq)
      const meta = place < list.size() ? list.at(place) : undefined
      return meta !== undefined && meta.firstSeq <= seq ? meta : undefined
    },

    /** Places of the blocks that may hold rows of the range with seq <= maxSeq. */
    inRange: (range: TimeRange, maxSeq: number): number[] => list.inRange(range, maxSeq),

    /** Blocks that hold rows with seq > afterSeq: the first of them, and more while they fit `bytesMax`. */
    after(afterSeq: number, bytesMax: number): BlockMeta[] {
      const found: BlockMeta[] = []
      let bytes = 0
      for (let place = list.placeOf(afterSeq + 1); place < list.size(); place++) {
        const meta = list.at(place)
        bytes += meta.bytes
        if (found.length > 0 && bytes > bytesMax) break
        found.push(meta)
      }
      return found
    },
  }
}

/** Metas in columns, ascending. */
function createBlockList() {
  const pieces: Piece[] = []
  const extent = { minMs: Infinity, maxMs: -Infinity }
  let size = 0
  let bytes = 0

  function pieceOf(place: number): Piece {
    const piece = pieces[Math.floor(place / pieceBlocks)]
    if (piece === undefined || place >= size) throw new RangeError(`there is no block at place ${place}`)
    return piece
  }

  return {
    extent,
    size: () => size,
    bytes: () => bytes,

    /** Bytes of the blocks before a place. */
    bytesBefore(place: number): number {
      let sum = 0
      for (let i = 0; i < place; i++) sum += pieceOf(i).bytes[i % pieceBlocks]!
      return sum
    },

    at: (place: number): BlockMeta => metaAt(pieceOf(place), place % pieceBlocks),

    put(meta: BlockMeta): void {
      if (size % pieceBlocks === 0) pieces.push(createPiece())
      putMeta(pieces.at(-1)!, size % pieceBlocks, meta)
      extent.minMs = Math.min(extent.minMs, meta.minMs)
      extent.maxMs = Math.max(extent.maxMs, meta.maxMs)
      size++
      bytes += meta.bytes
    },

    /** Place of the block that holds `seq`, or of the one after it. */
    placeOf(seq: number): number {
      let low = 0
      let high = size
      while (low < high) {
        const middle = (low + high) >>> 1
        const { firstSeq, rows } = pieceOf(middle)
        if (firstSeq[middle % pieceBlocks]! + rows[middle % pieceBlocks]! <= seq) low = middle + 1
        else high = middle
      }
      return low
    },

    inRange({ fromMs, toMs }: TimeRange, maxSeq: number): number[] {
      const places: number[] = []
      for (const [n, { firstSeq, minMs, maxMs }] of pieces.entries()) {
        const count = Math.min(pieceBlocks, size - n * pieceBlocks)
        for (let i = 0; i < count; i++)
          if (maxMs[i]! >= fromMs && minMs[i]! < toMs && firstSeq[i]! <= maxSeq) places.push(n * pieceBlocks + i)
      }
      return places
    },
  }
}

type Piece = ReturnType<typeof createPiece>

/** Columns of the metas: 56 bytes a block, a quarter of what an object of each takes. */
function createPiece() {
  return {
    firstSeq: new Float64Array(pieceBlocks),
    minMs: new Float64Array(pieceBlocks),
    maxMs: new Float64Array(pieceBlocks),
    rows: new Uint32Array(pieceBlocks),
    bytes: new Uint32Array(pieceBlocks),
    severityCounts: new Uint32Array(pieceBlocks * severities.length),
  }
}

function putMeta(piece: Piece, i: number, meta: BlockMeta): void {
  piece.firstSeq[i] = meta.firstSeq
  piece.minMs[i] = meta.minMs
  piece.maxMs[i] = meta.maxMs
  piece.rows[i] = meta.rows
  piece.bytes[i] = meta.bytes
  piece.severityCounts.set(meta.severityCounts, i * severities.length)
}

/** Without a loop, as every object with number fields: see engine/encode/extent.ts. */
function metaAt(piece: Piece, i: number): BlockMeta {
  return {
    firstSeq: piece.firstSeq[i]!,
    rows: piece.rows[i]!,
    minMs: piece.minMs[i]!,
    maxMs: piece.maxMs[i]!,
    severityCounts: Array.from(piece.severityCounts.subarray(i * severities.length, (i + 1) * severities.length)),
    bytes: piece.bytes[i]!,
  }
}
