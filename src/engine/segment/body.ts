import { releaseBytes } from '../../core/buffers.ts'
import type { BodyBytes } from '../block/types.ts'
import { lowerBound } from '../lower_bound.ts'

/** A page was asked for that had not been read from the object: a mistake of the reader, not of the segment. */
export class BodyMissingError extends Error {
  constructor(start: number, end: number) {
    super(`bytes ${start} to ${end} of the body were not read`)
    this.name = 'BodyMissingError'
  }
}

/** A body of which more and more is read. */
export interface BodyParts extends BodyBytes {
  /** Takes over what was read from `start` on, nobody else having it; what `slice` answers must lie within one part. */
  add(start: number, bytes: Uint8Array): void
}

export function createBodyParts(): BodyParts {
  /** Ascending by start. */
  const parts: { start: number; bytes: Uint8Array }[] = []
  let isReleased = false

  /** The part that has all of start..end: of those that begin at or before it, the last, or one that reaches farther. */
  function find(start: number, end: number): { start: number; bytes: Uint8Array } | undefined {
    for (let i = countUpTo(start) - 1; i >= 0; i--) if (parts[i]!.start + parts[i]!.bytes.length >= end) return parts[i]
    return undefined
  }

  /** How many parts begin at or before `start`. */
  const countUpTo = (start: number) => lowerBound(parts, start + 1, (part) => part.start)

  return {
    add(start, bytes) {
      // A read that was under way when the block was given up.
      if (isReleased) releaseBytes(bytes)
      else parts.splice(countUpTo(start), 0, { start, bytes })
    },
    has: (start, end) => find(start, end) !== undefined,
    slice(start, end) {
      const part = find(start, end)
      if (part === undefined) throw new BodyMissingError(start, end)
      return part.bytes.subarray(start - part.start, end - part.start)
    },
    release() {
      isReleased = true
      for (const { bytes } of parts.splice(0)) releaseBytes(bytes)
    },
  }
}
