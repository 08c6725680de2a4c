import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { AttributeValue } from '../../src/engine/row.ts'

type JsonValue = Exclude<AttributeValue, bigint> | { bigint: string }

/** A file that the writer of some version made. */
export function golden(file: string): Buffer {
  return readFileSync(fileURLToPath(new URL(`../corpus/golden/${file}`, import.meta.url).href))
}

/** What that writer was given: metadata in the first line, then a row in each. */
export function goldenRows(name: string): { meta: unknown; rows: unknown[] } {
  const [first = '', ...lines] = golden(`${name}.rows.json`).toString().trimEnd().split('\n')
  const rows = lines.map((line) => {
    const row = JSON.parse(line) as { attributes: [string, JsonValue][] }
    const attributes = Object.create(null) as Record<string, AttributeValue>
    for (const [key, value] of row.attributes) attributes[key] = typeof value === 'object' ? BigInt(value.bigint) : value
    return { ...row, attributes }
  })
  return { meta: (JSON.parse(first) as { meta: unknown }).meta, rows }
}
