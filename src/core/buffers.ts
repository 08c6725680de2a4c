/**
 * Frees the memory of bytes that nobody reads any more. What zlib, R2 and SQLite answer lies outside the heap of workerd, whose
 * collector does not feel it: hundreds of megabytes of it would pile up in an isolate that may have 128. Later reads of the bytes,
 * or of a view of them, find nothing. Bytes that are a part of a larger buffer stay, but for up to `spareBytes` behind them.
 */
export function releaseBytes({ buffer, byteOffset, byteLength }: ArrayBufferView, spareBytes = 0): void {
  const isWhole = byteOffset === 0 && buffer.byteLength > 0 && buffer.byteLength <= byteLength + spareBytes
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/** Smaller arrays are left to the collector: some of them lie in its heap, and freeing one costs about a microsecond. */
const arrayBytesMin = 4096

/**
 * Frees arrays that their only owner is done with. The collector of V8 knows of them, but comes by when there are some 60 MB of
 * garbage: about twice what a merge really holds.
 */
export function releaseArrays(...arrays: readonly (ArrayBufferView | undefined)[]): void {
  for (const array of arrays) if (array !== undefined && array.byteLength >= arrayBytesMin) releaseBytes(array)
}
