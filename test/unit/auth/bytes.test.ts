import fc from 'fast-check'
import { expect, it } from 'vitest'
import { concatBytes, fromBase64, fromBase64Url, fromHex, toBase64, toBase64Url, toHex } from '../../../src/core/bytes.ts'

it('bytes come back from each of their text forms', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(fromBase64(toBase64(bytes))).toEqual(bytes)
      expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes)
      expect(fromHex(toHex(bytes))).toEqual(bytes)
      expect(toBase64Url(bytes)).toMatch(/^[\w-]*$/)
    }),
  )
})

it('parts join in order', () => {
  expect(concatBytes(Uint8Array.of(1, 2), new Uint8Array(), Uint8Array.of(3))).toEqual(Uint8Array.of(1, 2, 3))
})
