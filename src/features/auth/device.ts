import { BROWSER_MAP, OS_MAP, parse, PLATFORMS_MAP } from 'bowser'
import type { Place } from '../../db/context.ts'
import { sha256 } from './hash.ts'
import { deviceKinds } from './session_schema.ts'
import type { DeviceKind } from './session_schema.ts'

/** What a User-Agent header tells; null where it tells nothing. */
export interface Device {
  browser: string | null
  browserVersion: string | null
  system: string | null
  systemVersion: string | null
  kind: DeviceKind
}

const browsers: ReadonlySet<string> = new Set(Object.values(BROWSER_MAP))
const systems: ReadonlySet<string> = new Set(Object.values(OS_MAP))
const platforms: ReadonlySet<string> = new Set(Object.values(PLATFORMS_MAP))

/** First product of a header that no browser sends (RFC 9110, 10.1.5). No dots: the name goes into mails, where it must not be a link. */
const productPattern = /^([a-z][\w-]{0,39})(?:\/(\d[\w.-]{0,19}))?(?=$|[ (/])/i
const versionPattern = /^[\w.-]{1,20}/

/** The header is whatever a client wrote: only names that are known, or harmless, come out of it. */
export function deviceOf(userAgent: string | null | undefined): Device {
  if (userAgent === null || userAgent === undefined || userAgent === '') return nothing
  const { browser, os, platform } = parse(userAgent)
  const system = knownOf(systems, os.name)
  const kind = deviceKinds.find((one) => one === platform.type && platforms.has(one)) ?? 'other'
  const rest = { system, systemVersion: system === null ? null : versionOf(system === 'Windows' ? os.versionName : os.version), kind }
  const name = knownOf(browsers, browser.name)
  if (name !== null) return { ...rest, browser: name, browserVersion: versionOf(browser.version) }
  const [, product, version] = productPattern.exec(userAgent) ?? []
  if (product === undefined || product === 'Mozilla') return { ...rest, browser: null, browserVersion: null }
  return { ...rest, browser: product, browserVersion: versionOf(version) }
}

/** Tells the devices of a person apart: browser, system and country. Versions and cities change too often to tell anything. */
export function fingerprintOf({ browser, system }: Device, { country }: Place): string {
  return sha256(JSON.stringify([browser, system, country]))
}

/** "Firefox on Linux", for a mail. */
export function deviceText({ browser, system }: Device): string {
  if (browser === null && system === null) return 'an unknown device'
  return system === null ? (browser ?? '') : `${browser ?? 'an unknown browser'} on ${system}`
}

/** "Berlin, DE", for a mail; null when nothing is known. */
export function placeText({ city, country }: Place): string | null {
  const known = [city, country].filter((part) => part !== null)
  return known.length === 0 ? null : known.join(', ')
}

const nothing: Device = { browser: null, browserVersion: null, system: null, systemVersion: null, kind: 'other' }

function knownOf(names: ReadonlySet<string>, name: string | undefined): string | null {
  return name !== undefined && names.has(name) ? name : null
}

function versionOf(version: string | undefined): string | null {
  return versionPattern.exec(version ?? '')?.[0] ?? null
}
