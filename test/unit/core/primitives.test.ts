import { describe, expect, it } from 'vitest'
import { emailSchema, nameSchema, queryInteger, uuidSchema } from '../../../src/core/primitives.ts'

describe('names', () => {
  it('are trimmed and normalised', () => {
    expect(nameSchema.parse('  Zoe\u0308 & Co. – 日本 🎉 ')).toBe('Zoë & Co. – 日本 🎉')
  })

  it.each(['می\u200cخواهم', 'क्\u200dष', 'ශ්\u200dරී', '👩\u200d💻 Ops', '❤\ufe0f', '👩🏽\u200d❤\ufe0f\u200d👩🏿', '№ 5', '日本', '007', '🔥'])(
    'are kept as people write them: %s',
    (name) => {
      expect(nameSchema.parse(name)).toBe(name.normalize('NFC'))
    },
  )

  it.each([
    ['empty', '   '],
    ['too long', 'x'.repeat(101)],
    ['NUL', 'a\0b'],
    ['a line break', 'a\r\nBcc: x'],
    ['a lone surrogate', 'a\ud800'],
    ['a line separator', 'a\u2028b'],
    ['a direction override', 'a\u202eb'],
    ['nothing but a zero width space', '\u200b'],
    ['a zero width space', 'O\u200bps'],
    ['a joiner between Latin letters', 'O\u200dps'],
    ['a joiner at the end', 'می\u200c'],
    ['a variation selector of a letter', 'a\ufe0f'],
    ['a mark of direction', 'Edgelog\u200e Support'],
    ['a Braille blank', 'Edgelog\u2800'],
    ['a Hangul filler', '\u3164'],
    ['a half width Hangul filler', 'a\uffa0'],
    ['Hangul fillers of old', '\u115f\u1160'],
    ['a tag', 'Ops\u{e0041}'],
    ['a soft hyphen', 'Ad\u00admin'],
    ['nothing but punctuation', '. - !'],
    ['a number', 7],
    ['an object', {}],
    ['null', null],
  ])('refuse %s', (_, value) => {
    expect(nameSchema.safeParse(value).success).toBe(false)
  })
})

describe('e-mail addresses', () => {
  it('are one mailbox whatever the case', () => {
    expect(emailSchema.parse(' Ann.Lee@Example.COM ')).toBe('ann.lee@example.com')
  })

  it.each([
    '',
    'ann',
    'ann@',
    '@example.com',
    'a b@example.com',
    'ann@example.com\r\nBcc: all@example.com',
    'ann@example.com\0',
    `${'a'.repeat(250)}@example.com`,
  ])('refuse %j', (value) => {
    expect(emailSchema.safeParse(value).success).toBe(false)
  })
})

describe('values in a query string', () => {
  it('are integers in plain digits within their bounds', () => {
    const page = queryInteger(1, 500)
    expect(page.parse('500')).toBe(500)
    for (const text of ['', '0', '501', '1e2', '0x10', ' 5', '5.0', '5 OR 1=1', '99999999999999999999', '٣'])
      expect(page.safeParse(text).success).toBe(false)
  })

  it('are UUIDs in any case, kept in lower case', () => {
    expect(uuidSchema.parse('01923F00-0000-7000-8000-00000000000A')).toBe('01923f00-0000-7000-8000-00000000000a')
    for (const text of [
      '',
      'null',
      '01923f00-0000-7000-8000-00000000000',
      '../01923f00-0000-7000-8000-00000000000a',
      "01923f00-0000-7000-8000-00000000000a'--",
    ]) {
      expect(uuidSchema.safeParse(text).success).toBe(false)
    }
  })
})
