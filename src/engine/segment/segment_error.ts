import { BlockError } from '../block/block_error.ts'

/** A segment whose bytes are not what a writer made; the message names what is wrong. */
export class SegmentError extends BlockError {
  constructor(reason: string) {
    super(reason, 'segment')
    this.name = 'SegmentError'
  }
}

/** Runs a part of reading a segment that is made of the same pieces as a block, whose damage is then the segment's. */
export function inSegment<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof BlockError && !(error instanceof SegmentError) ? new SegmentError(error.reason) : error
  }
}
