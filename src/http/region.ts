import type { Region } from '../config.ts'
import { cityCharsMax } from '../core/limits.ts'
import { lineSchema } from '../core/primitives.ts'
import type { Place } from '../db/context.ts'

/** What Cloudflare tells of where a request came in; absent in tests. */
interface CfPlace {
  continent?: unknown
  country?: unknown
  city?: unknown
  longitude?: unknown
}

const citySchema = lineSchema(cityCharsMax)

/** Country and city for people to read. Cloudflare's codes that are no country (XX unknown, T1 Tor) tell nothing. */
export function placeOf(place: CfPlace | undefined): Place {
  const { country, city } = place ?? {}
  const known = typeof country === 'string' && /^[A-Z]{2}$/.test(country) && country !== 'XX'
  return { country: known ? country : null, city: typeof city === 'string' ? (citySchema.safeParse(city).data ?? null) : null }
}

const middleEast = new Set(['AE', 'BH', 'IL', 'IQ', 'IR', 'JO', 'KW', 'LB', 'OM', 'PS', 'QA', 'SA', 'SY', 'TR', 'YE'])
/** Meridians that split North America and Europe in two, roughly between the data centres of each side. */
const americaSplit = -100
const europeSplit = 20

/** The Durable Object location hint nearest to the caller (developers.cloudflare.com: "Durable Objects: data location"). */
export function regionOf(place: CfPlace | undefined, fallback: Region): Region {
  const longitude = Number(place?.longitude ?? NaN)
  switch (place?.continent) {
    case 'NA':
      return longitude < americaSplit ? 'wnam' : 'enam'
    case 'SA':
      return 'sam'
    case 'EU':
      return longitude > europeSplit ? 'eeur' : 'weur'
    case 'AS':
      return typeof place.country === 'string' && middleEast.has(place.country) ? 'me' : 'apac'
    case 'OC':
      return 'oc'
    case 'AF':
      return 'afr'
    default:
      return fallback
  }
}
