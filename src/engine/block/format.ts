/** Numbers of block format version 1; FORMAT.md explains them. */
export const magic = 0x4b424c45
export const formatVersion = 1

/** Offsets within the head; all integers are little-endian. */
export const headOffsets = {
  magic: 0,
  version: 4,
  flags: 5,
  checksum: 8,
  rows: 12,
  firstSeq: 16,
  minMs: 24,
  maxMs: 32,
  severityCounts: 40,
  bodyBytes: 64,
  directoryBytes: 68,
  bloomBytes: 72,
} as const
export const headFixedBytes = 76

/** Flag of a block whose rows carry their sequence numbers in a column. */
export const seqColumnFlag = 1
/** Flag of a block within a segment, which keeps its filters apart from its head. */
export const filtersApartFlag = 2

/** Index in this list, plus 1, is the column's code in the directory; 0 is an attribute. */
export const systemColumns = ['timestamp', 'nanos', 'severity', 'source', 'message', 'created', 'updated', 'seq'] as const

export const layoutCodes = { constant: 0, dictionary: 1, plain: 2, copy: 3 } as const
export const listCodes = { numbers: 1, text: 2, mixed: 3, integers: 4 } as const
export const presenceCodes = { bitmap: 0, gaps: 1 } as const
