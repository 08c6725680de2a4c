import { describe, expect, it } from 'vitest'
import { deviceOf, deviceText, fingerprintOf, placeText } from '../../../src/features/auth/device.ts'
import { placeOf } from '../../../src/http/region.ts'

const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)'
const chrome = `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/126.0.0.0 Safari/537.36`
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0'
const iphone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1'
const berlin = { country: 'DE', city: 'Berlin' }

describe('a device', () => {
  it.each([
    [chrome, ['Chrome', '126.0.0.0', 'Windows', '10', 'desktop']],
    [`${chrome} Edg/126.0.0.0`, ['Microsoft Edge', '126.0.0.0', 'Windows', '10', 'desktop']],
    [firefox, ['Firefox', '126.0', 'Linux', null, 'desktop']],
    [iphone, ['Safari', '17.5', 'iOS', '17.5', 'mobile']],
    [
      `Mozilla/5.0 (Linux; Android 14; Pixel 8) ${webkit} Chrome/126.0.0.0 Mobile Safari/537.36`,
      ['Chrome', '126.0.0.0', 'Android', '14', 'mobile'],
    ],
    ['curl/8.5.0', ['curl', '8.5.0', null, null, 'other']],
    ['node', ['node', null, null, null, 'other']],
  ])('is what the header %s says', (header, expected) => {
    const { browser, browserVersion, system, systemVersion, kind } = deviceOf(header)
    expect([browser, browserVersion, system, systemVersion, kind]).toEqual(expected)
  })

  it.each([undefined, null, '', 'Mozilla/5.0', '('.repeat(400), '1'.repeat(400), '\u{1f600}'])(
    'is unknown where %j says nothing',
    (header) => {
      expect(deviceOf(header)).toEqual({ browser: null, browserVersion: null, system: null, systemVersion: null, kind: 'other' })
    },
  )

  it.each(['evil.example.com/1 x', 'https://evil.example.com/ log in here', 'Log-in-at evil.example.com', '<b>/1'])(
    'is never named by text that could be a link or a sentence: %s',
    (header) => {
      expect(deviceText(deviceOf(header))).toMatch(/^(an unknown device|[\w-]{1,40})$/)
    },
  )

  it('is the same after an update, and another with another browser, system or country', () => {
    const own = fingerprintOf(deviceOf(firefox), berlin)
    expect(fingerprintOf(deviceOf(firefox.replaceAll('126', '127')), { ...berlin, city: 'Potsdam' })).toBe(own)
    expect(fingerprintOf(deviceOf(chrome), berlin)).not.toBe(own)
    expect(fingerprintOf(deviceOf(firefox.replace('X11; Linux x86_64', 'Windows NT 10.0')), berlin)).not.toBe(own)
    expect(fingerprintOf(deviceOf(firefox), { country: 'FR', city: 'Berlin' })).not.toBe(own)
  })

  it('reads as words', () => {
    expect(deviceText(deviceOf(firefox))).toBe('Firefox on Linux')
    expect(deviceText(deviceOf('curl/8.5.0'))).toBe('curl')
    expect(deviceText(deviceOf(undefined))).toBe('an unknown device')
    expect(placeText(berlin)).toBe('Berlin, DE')
    expect(placeText({ country: null, city: null })).toBeNull()
  })
})

describe('a place', () => {
  it.each([
    [undefined, { country: null, city: null }],
    [berlin, berlin],
    [{ country: 'T1' }, { country: null, city: null }],
    [
      { country: 'XX', city: '' },
      { country: null, city: null },
    ],
    [
      { country: 'FR', city: 'a\r\nBcc: x' },
      { country: 'FR', city: null },
    ],
    [
      { country: 1, city: {} },
      { country: null, city: null },
    ],
  ])('is what Cloudflare knows of %j', (cf, expected) => {
    expect(placeOf(cf)).toEqual(expected)
  })
})
