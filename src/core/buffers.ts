/**
 * Frees the memory of bytes that nobody reads any more. What zlib, R2 and SQLite answer lies outside the heap of workerd, whose
 * collector does not feel it: hundreds of megabytes of it would pile up in an isolate that may have 128. Later reads of the bytes,
 * or of a view of them, find nothing. Bytes that are a part of a larger buffer stay, but for up to `spareBytes` behind them.
 */
export function releaseBytes({ buffer, byteOffset, byteLength }: ArrayBufferView, spareBytes = 0): void {
  const isWhole = byteOffset === 0 && buffer.byteLength > 0 && buffer.byteLength <= byteLength + spareBytes
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0)
}
