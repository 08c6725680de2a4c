/**
 * What the objects of an opened column take, decoded constants included: 2,032 constant columns were measured at 4 MB, and a
 * body of next to nothing.
 */
const columnBytes = 2048
/** Decompressed bytes and what is decoded of them: texts get offsets, and packed numbers become eight bytes. */
const decodedFactor = 3
/** The system columns of numbers, which may take no raw bytes at all, when they are decoded. */
const rowBytes = 4 * 8

/** About the memory that an opened block takes once `rawBytes` of its pages are decompressed and decoded; `columns` are all that it has. */
export function blockMemoryBytes(columns: number, rows: number, rawBytes: number): number {
  return columns * columnBytes + rows * rowBytes + rawBytes * decodedFactor
}
