import type { Region } from '../config.ts'

/** What Cloudflare tells of where a request came in; absent in tests. */
interface Place {
  continent?: unknown
  country?: unknown
  longitude?: unknown
}

const middleEast = new Set(['AE', 'BH', 'IL', 'IQ', 'IR', 'JO', 'KW', 'LB', 'OM', 'PS', 'QA', 'SA', 'SY', 'TR', 'YE'])
/** Meridians that split North America and Europe in two, roughly between the data centres of each side. */
const americaSplit = -100
const europeSplit = 20

/** The Durable Object location hint nearest to the caller (developers.cloudflare.com: "Durable Objects: data location"). */
export function regionOf(place: Place | undefined, fallback: Region): Region {
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
