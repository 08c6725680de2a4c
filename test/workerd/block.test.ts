import fc from 'fast-check'
import { expect, it } from 'vitest'
import { allRows, anyRows, encodeRows, openEncoded, row, storedRow } from '../support/rows.ts'

it('any rows come back as they were added, in the runtime that serves them', () => {
  fc.assert(
    fc.property(anyRows, (rows) => {
      const stored = encodeRows(rows).flatMap((block) => allRows(openEncoded(block)))
      expect(stored).toEqual(rows.map((given, i) => storedRow(given, i)))
    }),
    { numRuns: 30 },
  )
})

it('a message of 200 KB comes back in the runtime that serves it', () => {
  const message = `\ufeff\0${Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join('')}`
  const [block] = encodeRows([row({ message }), row()])
  expect(block && allRows(openEncoded(block)).map((stored) => stored.message)).toEqual([message, 'request completed'])
})
