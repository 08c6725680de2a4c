import { crc32, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BlockError } from '../../../src/engine/block/block_error.ts'
import type { Directory } from '../../../src/engine/block/directory.ts'
import { writeDirectory } from '../../../src/engine/block/directory.ts'
import { headFixedBytes, headOffsets } from '../../../src/engine/block/format.ts'
import { readHead, stampFirstSeq } from '../../../src/engine/block/head.ts'
import { openBlock } from '../../../src/engine/block/reader.ts'
import type { EncodedBlock } from '../../../src/engine/block/types.ts'
import { createSink } from '../../../src/engine/encode/bytes.ts'
import { otherError, readBlock } from '../../support/damage.ts'
import { accessRows, encodeRows, newCost } from '../../support/rows.ts'

/** A small block with a column of every kind and both kinds of presence. */
function smallBlock(): EncodedBlock {
  const rows = accessRows(40).map((each, i) => {
    const names = [...each.names, 'mixed', 'same_id']
    const values = [...each.values, [i, `m${i}`, 10n ** 20n + BigInt(i), i * 1.7e300][i % 4] ?? 0, each.values[4] ?? '']
    if (i % 3 === 0) return { ...each, names: [...names, 'sparse'], values: [...values, `größe ${i % 6}`] }
    return i === 20 ? { ...each, names: [...names, 'rare'], values: [...values, 0.1 + 0.2] } : { ...each, names, values }
  })
  return encodeRows(rows)[0]!
}

function readBytes(block: EncodedBlock, head: Uint8Array, body: Uint8Array): void {
  readBlock(openBlock(block.meta, head, () => body, newCost()))
}

/** With the checksum of the head made right again: what a forger would do. */
function sealed(head: Uint8Array): Uint8Array {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const { checksum } = headOffsets
  view.setUint32(checksum, crc32(head.subarray(checksum + 4), crc32(head.subarray(0, checksum))), true)
  return head
}

/** The directory of a block. */
function directoryBytes(head: Uint8Array): Uint8Array {
  return written(readHead(head).directory)
}

function written(directory: Directory): Uint8Array {
  const sink = createSink()
  writeDirectory(sink, directory)
  return sink.bytes.slice(0, sink.length)
}

/** The head with another directory, and its checksum right. */
function withDirectory(original: Uint8Array, directory: Uint8Array): Uint8Array {
  const { blooms = new Uint8Array() } = readHead(original)
  const head = new Uint8Array(headFixedBytes + directory.length + blooms.length)
  head.set(original.subarray(0, headFixedBytes))
  head.set(directory, headFixedBytes)
  head.set(blooms, headFixedBytes + directory.length)
  const view = new DataView(head.buffer)
  view.setUint32(headOffsets.directoryBytes, directory.length, true)
  return sealed(head)
}

/** The block with other pages, and all checksums right. */
function withPages(original: EncodedBlock, pages: readonly { rawBytes: number; stored: Uint8Array }[]): EncodedBlock {
  const entries = pages.map(({ rawBytes, stored }) => ({ rawBytes, storedBytes: stored.length, checksum: crc32(stored) }))
  const body = new Uint8Array(Buffer.concat(pages.map(({ stored }) => stored)))
  const head = withDirectory(original.head, written({ ...readHead(original.head).directory, pages: entries }))
  new DataView(head.buffer).setUint32(headOffsets.bodyBytes, body.length, true)
  return { head: sealed(head), body, meta: { ...original.meta, bytes: head.length + body.length } }
}

describe('a damaged block', () => {
  const block = smallBlock()

  it('is refused whichever byte of the head is changed', () => {
    for (let at = 0; at < block.head.length; at++) {
      for (const mask of [1, 0x80, 0xff]) {
        const head = block.head.slice()
        head[at]! ^= mask
        expect(() => openBlock(block.meta, head, () => block.body, newCost())).toThrow(BlockError)
      }
    }
  })

  it('is refused whichever byte of the body is changed', () => {
    for (let at = 0; at < block.body.length; at++) {
      const body = block.body.slice()
      body[at]! ^= 1 << (at % 8)
      expect(() => readBytes(block, block.head, body)).toThrow(BlockError)
    }
  })

  it('is refused when its head or body ends early or goes on', () => {
    for (let end = 0; end < block.head.length; end++) {
      expect(() => openBlock(block.meta, block.head.slice(0, end), () => block.body, newCost())).toThrow(BlockError)
    }
    for (let end = 0; end < block.body.length; end++)
      expect(() => readBytes(block, block.head, block.body.slice(0, end))).toThrow(BlockError)
    expect(() => readBytes(block, new Uint8Array([...block.head, 0]), block.body)).toThrow(BlockError)
    expect(() => readBytes(block, block.head, new Uint8Array([...block.body, 0]))).toThrow(BlockError)
  })

  it('is refused when it belongs to other metadata', () => {
    const { meta, head, body } = block
    const others = [
      { firstSeq: 1 },
      { rows: 39 },
      { minMs: 0 },
      { maxMs: meta.maxMs + 1 },
      { bytes: meta.bytes + 1 },
      { severityCounts: [40, 0, 0, 0, 0, 0] },
    ]
    for (const other of others) expect(() => openBlock({ ...meta, ...other }, head, () => body, newCost())).toThrow(BlockError)
  })

  it('names what is wrong', () => {
    const head = block.head.slice()
    head[4] = 9
    expect(() => openBlock(block.meta, head, () => block.body, newCost())).toThrow('damaged block: format version 9 is not known')
    expect(() => readBytes(block, block.head, block.body.slice(1))).toThrow(
      `the body has ${block.body.length - 1} bytes, not ${block.body.length}`,
    )
  })

  it('is refused by stampFirstSeq too', () => {
    const head = block.head.slice()
    head[headFixedBytes]! ^= 1
    expect(() => stampFirstSeq(head, 7)).toThrow(BlockError)
  })
})

describe('a forged block', () => {
  const block = smallBlock()

  it('with any byte of its fixed part changed and all checksums right is refused or read, and nothing else happens', () => {
    for (let at = headOffsets.rows; at < headFixedBytes; at++) {
      for (const mask of [1, 0x80, 0xff]) {
        const head = block.head.slice()
        head[at]! ^= mask
        expect(otherError(() => readBlock(openBlock(readHead(sealed(head)).meta, head, () => block.body, newCost())))).toBeUndefined()
      }
    }
  })

  it('with any byte of its directory changed and all checksums right is refused or read, and nothing else happens', () => {
    const directory = directoryBytes(block.head)
    for (let at = 0; at < directory.length; at++) {
      for (const value of [0, 1, 2, 0x7f, 0x80, 0xff]) {
        const head = withDirectory(block.head, directory.with(at, value))
        const meta = { ...block.meta, bytes: head.length + block.body.length }
        expect(otherError(() => readBytes({ ...block, meta }, head, block.body))).toBeUndefined()
      }
    }
  })

  it('with a directory of random bytes is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const head = withDirectory(block.head, bytes)
        const meta = { ...block.meta, bytes: head.length + block.body.length }
        expect(() => openBlock(meta, head, () => block.body, newCost())).toThrow(BlockError)
      }),
    )
  })

  it('with random pages and all checksums right is refused or read, and nothing else happens', () => {
    const lengths = readHead(block.head).directory.pages.map(({ rawBytes }) => rawBytes)
    fc.assert(
      fc.property(fc.tuple(...lengths.map((length) => fc.uint8Array({ minLength: length, maxLength: length }))), (pages) => {
        const forged = withPages(
          block,
          pages.map((stored) => ({ rawBytes: stored.length, stored })),
        )
        expect(otherError(() => readBytes(forged, forged.head, forged.body))).toBeUndefined()
      }),
    )
  })

  it('with a page that decompresses to more or less than the directory says is refused', () => {
    const pages = readHead(block.head).directory.pages
    for (const bytes of [0, 10, 1_000_000]) {
      const stored = zstdCompressSync(new Uint8Array(bytes))
      const forged = withPages(
        block,
        pages.map(({ rawBytes }) => ({ rawBytes, stored })),
      )
      expect(() => readBytes(forged, forged.head, forged.body)).toThrow(BlockError)
    }
  })
})
