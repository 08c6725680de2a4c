import { problem } from './problems.ts'

/**
 * One range of bytes as RFC 9110 (14.1.2) writes it: first and last byte, from a byte on, or the last so many; the end is
 * exclusive. Undefined for none and for what else a header may say, which a server may ignore. Throws a 416 problem for
 * a range that holds no byte of `size`.
 */
export function parseRangeHeader(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? []
  if (first === '' && last === '') return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (first !== '' && last !== '' && Number(last) < start) return undefined
  if (start >= end) {
    throw problem('range_not_satisfiable', `The file has ${size} bytes.`, { headers: { 'Content-Range': `bytes */${size}` } })
  }
  return { start, end }
}
