import { brotliCompressSync, crc32, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProblemError } from '../../../src/core/problems.ts'
import { BlockError } from '../../../src/engine/block/block_error.ts'
import { headFixedBytes, headOffsets } from '../../../src/engine/block/format.ts'
import { readHead } from '../../../src/engine/block/head.ts'
import { openBlock } from '../../../src/engine/block/reader.ts'
import { noReadCost } from '../../../src/engine/block/read_cost.ts'
import type { Block } from '../../../src/engine/block/types.ts'
import { tailChecksum, trailerBytes, trailerOffsets } from '../../../src/engine/segment/format.ts'
import { readSegment } from '../../../src/engine/segment/reader.ts'
import { decompress, encodingOf } from '../../../src/ingest/decompress.ts'
import { anyRow, anyRows, encodeRows, openEncoded } from '../../support/rows.ts'
import { segmentOf } from '../../support/segments.ts'
import { anyChanges, changed, fuzz, fuzzTimeoutMs, refusing } from './fuzz.ts'

/** Reads all that a block has to say. */
function readAll(block: Block): void {
  block.materialise(Array.from({ length: block.meta.rows }, (_, row) => row))
  for (const column of [...block.attributes, block.system('message'), block.system('source')]) {
    column.presence()
    column.data()
    column.mayHaveToken('connection')
  }
}

/** The head with a right checksum, so that what the checksum would catch reaches the reader behind it. */
function resealed(head: Uint8Array): Uint8Array {
  if (head.length < headFixedBytes) return head
  const copy = Buffer.from(head)
  const { checksum } = headOffsets
  copy.writeUInt32LE(crc32(copy.subarray(checksum + 4), crc32(copy.subarray(0, checksum))), checksum)
  return copy
}

const damage = fc.record({ rows: anyRows, changes: anyChanges, part: fc.constantFrom('head', 'sealed head', 'directory', 'body', 'page') })

describe('stored bytes', () => {
  it('are a block or an error of blocks, also where a checksum was made to fit', { timeout: fuzzTimeoutMs }, () => {
    const tried = fuzz(damage, ({ rows, changes, part }) => {
      const [{ meta, head, body } = missing()] = encodeRows(rows)
      let [newHead, newBody] = [head, body]
      if (part === 'head') newHead = changed(head, changes)
      else if (part === 'sealed head') newHead = resealed(changed(head, changes))
      else if (part === 'directory') newHead = resealed(changed(head, changes, headFixedBytes))
      else newBody = changed(body, changes)
      if (part === 'page') newHead = resealed(withChecksumsOf(head, newBody))
      refusing(BlockError, () => readAll(openBlock(meta, newHead, () => newBody, noReadCost())))
    })
    expect(tried).toBeGreaterThan(0)
  })

  it('are a segment or an error of segments, also where its last checksum was made to fit', { timeout: fuzzTimeoutMs }, () => {
    const inputs = fc.record({ rows: fc.array(anyRow, { minLength: 1, maxLength: 40 }), changes: anyChanges, isTail: fc.boolean() })
    const tried = fuzz(inputs, ({ rows, changes, isTail }) => {
      const { bytes } = segmentOf(rows, 16)
      const broken = changed(bytes, changes, isTail ? Math.max(0, bytes.length - 60) : 0)
      refusing(BlockError, () => {
        const file = readSegment(isTail ? withTailChecksum(broken) : broken)
        for (const n of file.index.blocks.keys()) readAll(file.open(n, noReadCost()))
      })
    })
    expect(tried).toBeGreaterThan(0)
  })

  it('are rows that come back whatever they hold', { timeout: fuzzTimeoutMs }, () => {
    const tried = fuzz(anyRows, (rows) => {
      for (const encoded of encodeRows(rows)) readAll(openEncoded(encoded))
    })
    expect(tried).toBeGreaterThan(0)
  })

  it('are a compressed body or a problem of the request', { timeout: fuzzTimeoutMs }, () => {
    const plain = Buffer.from('{"message":"a"}\n'.repeat(200))
    const bodies = { gzip: gzipSync(plain), deflate: deflateSync(plain), br: brotliCompressSync(plain), zstd: zstdCompressSync(plain) }
    const inputs = fc.record({
      changes: anyChanges,
      encoding: fc.constantFrom('gzip' as const, 'deflate' as const, 'br' as const, 'zstd' as const),
    })
    const tried = fuzz(inputs, ({ changes, encoding }) => {
      refusing(ProblemError, () => void decompress(Buffer.from(changed(bodies[encoding], changes)), encodingOf(encoding)))
    })
    expect(tried).toBeGreaterThan(0)
  })
})

/** The head with the checksum of each page as it is in the new body. Pages lie one after the other. */
function withChecksumsOf(head: Uint8Array, changedBody: Uint8Array): Uint8Array {
  const copy = Buffer.from(head)
  let start = 0
  for (const { storedBytes, checksum } of readHead(head).directory.pages) {
    const old = Buffer.alloc(4)
    old.writeUInt32LE(checksum)
    const at = copy.indexOf(old, headFixedBytes)
    if (at >= 0) copy.writeUInt32LE(crc32(changedBody.subarray(start, start + storedBytes)), at)
    start += storedBytes
  }
  return copy
}

function withTailChecksum(bytes: Uint8Array): Uint8Array {
  const start = bytes.length - trailerBytes
  if (start < 0) return bytes
  const copy = Buffer.from(bytes)
  const table = Math.max(0, start - copy.readUInt32LE(start + trailerOffsets.pages) * 12)
  copy.writeUInt32LE(tailChecksum(copy.subarray(table)), start + trailerOffsets.checksum)
  return copy
}

function missing(): never {
  throw new Error('rows make at least one block')
}
