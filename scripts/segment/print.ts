import { thousands } from '../dev/terminal.ts'
import type { BlockDescription, ColumnDescription, SegmentDescription } from './describe.ts'

/** The directory of a segment for people. */
export function printSegment(file: string, segment: SegmentDescription): string {
  const { bytes, rawBytes, rows, blocks, from, to, seq, received, indexBytes, filterBytes, filterPartitions, list } = segment
  const severities = Object.entries(segment.severities).map(([name, count]) => `${name} ${thousands(count)}`)
  return [
    file,
    `  ${thousands(rows)} rows in ${blocks} ${blocks === 1 ? 'block' : 'blocks'}, ${severities.join(', ')}`,
    `  event times ${from} to ${to}`,
    `  received    ${received.join(' to ')}`,
    `  sequence numbers ${seq.map(thousands).join(' to ')}`,
    `  ${thousands(bytes)} bytes, of ${thousands(rawBytes)} raw (${(rawBytes / bytes).toFixed(1)} : 1)`,
    `  index ${thousands(indexBytes)} bytes, token filters ${thousands(filterBytes)} bytes in ${filterPartitions} partitions`,
    `  SHA-256 ${segment.sha256}`,
    ...list.flatMap(printBlock),
  ].join('\n')
}

function printBlock({ rows, from, to, seq, bodyStart, bodyBytes, rawBytes, columns }: BlockDescription, n: number): string[] {
  const cells = columns.map(cellsOf)
  const widths = headings.map((heading, i) => Math.max(heading.length, ...cells.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    `    ${row.map((cell, i) => (numeric.has(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ')}`.trimEnd()
  return [
    '',
    `  block ${n}: ${thousands(rows)} rows, ${from} to ${to}, sequence numbers ${seq.map(thousands).join(' to ')}`,
    `    ${thousands(bodyBytes)} bytes at ${thousands(bodyStart)}, ${thousands(rawBytes)} raw`,
    line(headings),
    ...cells.map(line),
  ]
}

const headings = ['column', 'type', 'encoding', 'values', 'distinct', 'raw bytes', 'range']
const numeric = new Set([3, 4, 5])

function cellsOf({ name, system, type, encoding, values, distinct, rawBytes, min, max, damaged }: ColumnDescription): string[] {
  const range = min === undefined ? '' : `${min} to ${max}`
  return [
    // A name may hold anything; what would move the cursor is written as JSON does.
    system ? `(${name})` : JSON.stringify(name).slice(1, -1),
    type,
    encoding,
    thousands(values),
    distinct === undefined ? '' : thousands(distinct),
    thousands(rawBytes),
    damaged === undefined ? range : `damaged: ${damaged}`,
  ]
}
