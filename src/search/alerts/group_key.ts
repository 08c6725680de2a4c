import { createHash } from 'node:crypto'
import { alertKeyValueBytesMax } from '../../core/limits.ts'
import { cutJson } from '../../core/json_bytes.ts'

/** What a value that was cut ends with: enough of a hash that two values with one beginning stay two groups. */
const cutEnd = /… #[0-9a-f]{16}$/

/** The value of a field as groups are named by it: rules keep, tell and mail the names of all their groups, so that long ones are cut. */
export function keyValue(value: string | null): string | null {
  if (value === null) return null
  const cut = cutJson(value, alertKeyValueBytesMax)
  return cut === value ? value : `${cut} #${createHash('sha256').update(value).digest('hex').slice(0, 16)}`
}

/** False for the name of a value that was cut, which no log has. */
export function isWholeValue(value: string): boolean {
  return !cutEnd.test(value)
}
