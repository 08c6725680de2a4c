export type HeadCache = ReturnType<typeof createHeadCache>

/** Heads of blocks by first seq, the least recently used ones giving way to stay within `bytesMax`. */
export function createHeadCache(bytesMax: number, read: (firstSeq: number) => Uint8Array) {
  /** A Map iterates in insertion order, so the first key is the least recently used. */
  const heads = new Map<number, Uint8Array>()
  let bytes = 0

  function put(firstSeq: number, head: Uint8Array): void {
    heads.set(firstSeq, head)
    bytes += head.byteLength
    for (const [oldest, old] of heads) {
      if (bytes <= bytesMax) return
      heads.delete(oldest)
      bytes -= old.byteLength
    }
  }

  return {
    put,

    get(firstSeq: number): Uint8Array {
      const known = heads.get(firstSeq)
      if (known !== undefined) {
        heads.delete(firstSeq)
        heads.set(firstSeq, known)
        return known
      }
      const head = read(firstSeq)
      put(firstSeq, head)
      return head
    },

    bytes: () => bytes,
  }
}
