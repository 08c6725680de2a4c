import type { ReadCost } from './types.ts'

/** A fresh account; give it to `openBlock` where nobody asks what reading cost. */
export function noReadCost(): ReadCost {
  return { bytesRead: 0, bytesDecompressed: 0, pagesRead: 0 }
}
