/** A fixed-length set of row numbers, 32 to a word; bits at and beyond `length` are always zero. */
export interface Bitmap {
  readonly length: number
  readonly words: Uint32Array
}

export function bitmapEmpty(length: number): Bitmap {
  return { length, words: new Uint32Array((length + 31) >>> 5) }
}

export function bitmapFull(length: number): Bitmap {
  const words = new Uint32Array((length + 31) >>> 5).fill(0xffffffff)
  if (length & 31) words[words.length - 1] = 2 ** (length & 31) - 1
  return { length, words }
}

export function bitmapSet(bitmap: Bitmap, row: number): void {
  bitmap.words[row >>> 5]! |= 1 << (row & 31)
}

export function bitmapHas(bitmap: Bitmap, row: number): boolean {
  return (bitmap.words[row >>> 5]! & (1 << (row & 31))) !== 0
}

/** target := target AND other. */
export function bitmapAnd(target: Bitmap, other: Bitmap): void {
  for (let i = 0; i < target.words.length; i++) target.words[i]! &= other.words[i]!
}

/** target := target OR other. */
export function bitmapOr(target: Bitmap, other: Bitmap): void {
  for (let i = 0; i < target.words.length; i++) target.words[i]! |= other.words[i]!
}

/** target := target AND NOT other. */
export function bitmapAndNot(target: Bitmap, other: Bitmap): void {
  for (let i = 0; i < target.words.length; i++) target.words[i]! &= ~other.words[i]!
}

export function bitmapIsEmpty(bitmap: Bitmap): boolean {
  for (const word of bitmap.words) if (word !== 0) return false
  return true
}

export function bitmapCount(bitmap: Bitmap): number {
  let count = 0
  for (let word of bitmap.words) {
    word -= (word >>> 1) & 0x55555555
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
    count += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
  }
  return count
}

/** Calls `visit` with each row number in the set, ascending. */
export function bitmapForEach(bitmap: Bitmap, visit: (row: number) => void): void {
  for (let i = 0; i < bitmap.words.length; i++) {
    let word = bitmap.words[i]!
    while (word !== 0) {
      const lowest = word & -word
      visit((i << 5) + 31 - Math.clz32(lowest))
      word ^= lowest
    }
  }
}
