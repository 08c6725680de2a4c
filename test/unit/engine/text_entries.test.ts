import { describe, expect, it } from 'vitest'
import type { TextEntries } from '../../../src/engine/block/text_entries.ts'
import {
  appendTexts,
  bytesOfEntries,
  createTextEntries,
  distinctTexts,
  entryOf,
  sampledEntryOf,
  sameTexts,
  textOf,
} from '../../../src/engine/block/text_entries.ts'
import { seededRandom } from '../../support/seeded_random.ts'

const add = (entries: TextEntries, text: string, by = entryOf) => by(entries, Buffer.from(text), 0, Buffer.byteLength(text))
const all = (entries: TextEntries) => Array.from({ length: entries.count }, (_, entry) => textOf(entries, entry))

describe('texts kept as bytes', () => {
  it('have one number each, whatever their length, however many there are', () => {
    const entries = createTextEntries(1, 1)
    const texts = Array.from({ length: 5000 }, (_, i) => 'ü'.repeat(i % 40) + i)
    const codes = texts.map((text) => add(entries, text))
    expect(texts.map((text) => add(entries, text))).toEqual(codes)
    expect(all(entries)).toEqual(texts)
    expect(bytesOfEntries(entries)).toBe(Buffer.byteLength(texts.join('')))
  })

  it('are no longer looked up when they hardly repeat, and still when they do', () => {
    const ids = createTextEntries(16, 16)
    const users = createTextEntries(16, 16)
    const random = seededRandom(1)
    for (let i = 0; i < 20_000; i++) {
      add(ids, `id ${i}`, sampledEntryOf)
      add(users, `user ${random(300)}`, sampledEntryOf)
    }
    expect([ids.index, ids.count]).toEqual([undefined, 20_000])
    expect([users.index !== undefined, users.count]).toEqual([true, 300])
  })

  it('come in runs from a page, as they stand in it', () => {
    const entries = createTextEntries(1, 1)
    entries.index = undefined
    const page = { bytes: Buffer.from('onetwothreefour'), offsets: Uint32Array.of(0, 3, 6, 11, 15) }
    expect([appendTexts(entries, page, 1, 2), appendTexts(entries, page, 0, 1), appendTexts(entries, page, 3, 1)]).toEqual([0, 2, 3])
    expect(all(entries)).toEqual(['two', 'three', 'one', 'four'])
  })

  it('that stand twice become one, and their codes with them', () => {
    const entries = createTextEntries(4, 4)
    entries.index = undefined
    for (const text of ['a', 'b', 'a', 'c', 'b']) add(entries, text)
    const { texts, codes } = distinctTexts(entries, Uint32Array.of(4, 3, 2, 1, 0))
    expect(all(texts)).toEqual(['a', 'b', 'c'])
    expect([...codes]).toEqual([1, 2, 0, 1, 0])
  })

  it('are the same only with the same borders between them', () => {
    const of = (...texts: string[]) => {
      const entries = createTextEntries(1, 1)
      for (const text of texts) add(entries, text)
      return entries
    }
    expect(sameTexts(of('ab', 'c'), of('ab', 'c'))).toBe(true)
    expect(sameTexts(of('ab', 'c'), of('a', 'bc'))).toBe(false)
    expect(sameTexts(of('ab', 'c'), of('ab', 'd'))).toBe(false)
    expect(sameTexts(of('ab', 'c'), of('ab'))).toBe(false)
  })
})
