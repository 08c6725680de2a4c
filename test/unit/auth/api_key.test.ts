import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyKinds } from '../../../src/core/permissions.ts'
import { hashApiKey, isWellFormedKey, newApiKey } from '../../../src/features/api-keys/key.ts'

const alphabet = Array.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')

describe('an API key', () => {
  it.each(keyKinds.map((kind) => [kind]))('of kind %s tells its kind and passes its own check', (kind) => {
    const { key, keyHash, hint } = newApiKey(kind)
    expect(key).toMatch(new RegExp(`^elk_${kind}_[0-9A-Za-z]{49}$`))
    expect(isWellFormedKey(key)).toBe(true)
    expect(keyHash).toBe(hashApiKey(key))
    expect(key.endsWith(hint)).toBe(true)
  })

  it('is never the same twice', () => {
    expect(new Set(Array.from({ length: 500 }, () => newApiKey('ingest').key)).size).toBe(500)
  })

  it('is refused with one character mistyped', () => {
    const { key } = newApiKey('ingest')
    const place = fc.integer({ min: 'elk_ingest_'.length, max: key.length - 1 })
    fc.assert(
      fc.property(place, fc.constantFrom(...alphabet), (at, char) => {
        fc.pre(key[at] !== char)
        expect(isWellFormedKey(key.slice(0, at) + char + key.slice(at + 1))).toBe(false)
      }),
    )
  })

  it('is refused with its kind changed, cut, padded or in other letters', () => {
    const { key } = newApiKey('ingest')
    const wrong = [
      key.replace('ingest', 'admin'),
      key.slice(0, -1),
      `${key}0`,
      ` ${key}`,
      `${key}\n`,
      key.toUpperCase(),
      'elk_ingest_',
      '',
      'elk_root_x',
    ]
    expect(wrong.filter(isWellFormedKey)).toEqual([])
  })

  it('is refused quickly however long the text is', () => {
    expect(isWellFormedKey(`elk_ingest_${'0'.repeat(1_000_000)}`)).toBe(false)
  })
})
