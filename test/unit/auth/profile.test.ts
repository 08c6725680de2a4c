import { describe, expect, it } from 'vitest'
import type * as z from 'zod'
import { isPastDay, notificationKeys, notificationsOf, profileFields } from '../../../src/core/profile.ts'

const parse = (field: keyof typeof profileFields, value: unknown) => {
  const schema: z.ZodType = profileFields[field]
  const parsed = schema.safeParse(value)
  return parsed.success ? parsed.data : 'refused'
}

describe('a phone number', () => {
  it.each(['+4915112345678', '+12025550123', '+1234567', '+123456789012345'])('may be %s', (phone) => {
    expect(parse('phone', phone)).toBe(phone)
  })

  it.each([
    '',
    '4915112345678',
    '+0151123456',
    '+49 151 123456',
    '+49-151',
    '+123456',
    '+1234567890123456',
    '+٤٩١٥١١٢٣٤٥٦',
    '+1234567\n',
    7,
  ])('must not be %j', (phone) => {
    expect(parse('phone', phone)).toBe('refused')
  })
})

describe('a day of birth', () => {
  it.each(['1900-01-01', '2000-02-29', '2024-02-29'])('may be %s', (day) => {
    expect(parse('birth_date', day)).toBe(day)
  })

  it.each(['1899-12-31', '2023-02-29', '1900-02-29', '2000-13-01', '2000-04-31', '2000-1-1', '2000-01-01T00:00:00Z', '01.01.2000', '', 0])(
    'must not be %j',
    (day) => {
      expect(parse('birth_date', day)).toBe('refused')
    },
  )

  it('is past once it is over', () => {
    const noon = Date.UTC(2026, 10, 22, 12)
    expect(['2026-11-21', '2026-11-22', '2026-11-23'].map((day) => isPastDay(day, noon))).toEqual([true, false, false])
  })
})

describe('a locale', () => {
  it.each([
    ['de-CH', 'de-CH'],
    ['EN-us', 'en-US'],
    ['zh-hant-tw', 'zh-Hant-TW'],
    ['de-u-co-phonebk', 'de-u-co-phonebk'],
  ])('%s is kept as %s', (text, kept) => {
    expect(parse('locale', text)).toBe(kept)
  })

  it.each(['', ' ', 'de_CH', 'deutsch-land-und-mehr', 'e', 'en-', '../en', 'en\0', 'a'.repeat(36), 7])('must not be %j', (text) => {
    expect(parse('locale', text)).toBe('refused')
  })
})

describe('a time zone', () => {
  it.each([
    ['Europe/Berlin', 'Europe/Berlin'],
    ['europe/berlin', 'Europe/Berlin'],
    ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
    ['UTC', 'UTC'],
    ['Etc/GMT+5', 'Etc/GMT+5'],
  ])('%s is kept as %s', (text, kept) => {
    expect(parse('time_zone', text)).toBe(kept)
  })

  it('may have an old name, which stays', () => {
    expect(['Asia/Calcutta', 'Asia/Kolkata'].map((zone) => parse('time_zone', zone))).toEqual(['Asia/Calcutta', 'Asia/Kolkata'])
  })

  it.each(['', '+01:00', '-05', 'Mars/Olympus', 'Europe/', '../Europe/Berlin', 'Europe/Berlin ', 'x'.repeat(65), 0])(
    'must not be %j',
    (text) => {
      expect(parse('time_zone', text)).toBe('refused')
    },
  )
})

describe('every field but the name', () => {
  it('may be unset', () => {
    const unset = Object.keys(profileFields).map((field) => [field, parse(field as keyof typeof profileFields, null)])
    expect(Object.fromEntries(unset)).toEqual({
      name: 'refused',
      first_name: null,
      last_name: null,
      phone: null,
      birth_date: null,
      locale: null,
      time_zone: null,
    })
  })
})

describe('mails that are not essential', () => {
  it('go out until somebody decides otherwise', () => {
    expect(notificationsOf({})).toEqual(Object.fromEntries(notificationKeys.map((key) => [key, true])))
    expect(notificationsOf({ weekly_digest: false, forgotten_kind: false })).toEqual({ alerts: true, weekly_digest: false, reports: true })
  })
})
