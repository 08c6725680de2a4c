import { BlockError } from '../block/block_error.ts'
import type { AttributeValue } from '../row.ts'
import type { ByteSink, ByteSource } from './bytes.ts'
import { readByte, readFloat64, readText, readVarint, writeByte, writeFloat64, writeText, writeVarint } from './bytes.ts'

/** No record is as long, and parsing a longer one would take noticeable time. */
const bigintCharsMax = 300_000

const tags = { false: 0, true: 1, positive: 2, negative: 3, float64: 4, bigint: 5, string: 6 } as const

/** Appends one value with its type. */
export function writeValue(sink: ByteSink, value: AttributeValue): void {
  if (typeof value === 'boolean') writeByte(sink, value ? tags.true : tags.false)
  else if (typeof value === 'string') {
    writeByte(sink, tags.string)
    writeText(sink, value)
  } else if (typeof value === 'bigint') {
    writeByte(sink, tags.bigint)
    writeText(sink, String(value))
  } else if (Number.isSafeInteger(value)) {
    writeByte(sink, value < 0 ? tags.negative : tags.positive)
    writeVarint(sink, Math.abs(value))
  } else {
    writeByte(sink, tags.float64)
    writeFloat64(sink, value)
  }
}

export function readValue(source: ByteSource): AttributeValue {
  const tag = readByte(source)
  switch (tag) {
    case tags.false:
      return false
    case tags.true:
      return true
    case tags.positive:
      return readVarint(source)
    case tags.negative:
      return 0 - readVarint(source)
    case tags.float64:
      return readFinite(source)
    case tags.bigint:
      return readBigint(source)
    case tags.string:
      return readText(source)
    default:
      throw new BlockError(`value type ${tag} is not known`)
  }
}

/** One value that must be a number. */
export function readNumber(source: ByteSource): number {
  const value = readValue(source)
  if (typeof value !== 'number') throw new BlockError('a number was expected')
  return value
}

function readFinite(source: ByteSource): number {
  const value = readFloat64(source)
  if (!Number.isFinite(value)) throw new BlockError('a number is not finite')
  return value
}

function readBigint(source: ByteSource): bigint {
  const text = readText(source)
  if (text.length > bigintCharsMax || !/^-?\d+$/.test(text)) throw new BlockError('a big integer is malformed')
  return BigInt(text)
}
