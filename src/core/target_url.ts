import { channelUrlCharsMax } from './limits.ts'

/**
 * Addresses that tenants let the service call. It must reach nothing that only the service can reach: no address of a machine or
 * a private network, whatever it is written like, and no name that stands for one. Cloudflare's network leads to the public
 * internet only, so names whose DNS points into private networks go nowhere; this check is what a receiver can be told about.
 */

/** Names that never are public: RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476 and ICANN's `.internal`, `.corp`, `.home` and `.mail`, which it never gives out, and what home and company networks use. */
const privateSuffixes: ReadonlySet<string> = new Set([
  'alt',
  'arpa',
  'corp',
  'home',
  'internal',
  'intranet',
  'invalid',
  'lan',
  'local',
  'localdomain',
  'localhost',
  'mail',
  'onion',
  'private',
  'test',
])

/** 8443 is the second port that HTTPS usually has; any other is some other service. */
const ports: ReadonlySet<string> = new Set(['', '443', '8443'])

const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/

export interface TargetRules {
  /** Development and tests: `http://127.0.0.1:<port>` is let through as well. */
  readonly allowPrivate: boolean
}

/** Why this is no address to call, as the end of a sentence that begins with its name; undefined where it is one. */
export function targetFault(text: string, { allowPrivate }: TargetRules): string | undefined {
  if (text.length > channelUrlCharsMax) return `must have at most ${channelUrlCharsMax} characters`
  // The parser would drop some of these silently.
  if (!/^[!-~]+$/.test(text)) return 'must have only ASCII characters and no spaces'
  if (!URL.canParse(text)) return 'must be a URL'
  const url = new URL(text)
  if (allowPrivate && url.protocol === 'http:' && url.hostname === '127.0.0.1' && url.username === '' && url.password === '')
    return undefined
  if (url.protocol !== 'https:') return 'must begin with https://'
  if (url.username !== '' || url.password !== '') return 'must not have a user name or a password'
  if (!ports.has(url.port)) return 'must not name a port other than 443 and 8443'
  return hostFault(url.hostname)
}

/** `hostname` as the URL parser gives it: lower-case, punycode, and IPv4 in four decimal numbers whatever notation it came in. */
function hostFault(hostname: string): string | undefined {
  if (hostname.startsWith('[')) return 'must name a host, not an IP address'
  const labels = hostname.split('.')
  const last = labels.at(-1) ?? ''
  // The parser takes for an IPv4 address what ends in a number.
  if (/^\d+$/.test(last)) return 'must name a host, not an IP address'
  if (!labels.every((part) => label.test(part))) return 'must name a host by letters, digits and hyphens'
  if (labels.length < 2) return 'must name a host with a domain'
  if (privateSuffixes.has(last)) return `must not name a host of a private network, as .${last} does`
  return undefined
}
