import { expect, it } from 'vitest'
import { regionOf } from '../../../src/http/region.ts'

it.each([
  ['Frankfurt', { continent: 'EU', country: 'DE', longitude: '8.68' }, 'weur'],
  ['Bucharest', { continent: 'EU', country: 'RO', longitude: '26.1' }, 'eeur'],
  ['Seattle', { continent: 'NA', country: 'US', longitude: '-122.3' }, 'wnam'],
  ['New York', { continent: 'NA', country: 'US', longitude: '-74.0' }, 'enam'],
  ['a place in North America without a longitude', { continent: 'NA' }, 'enam'],
  ['São Paulo', { continent: 'SA', longitude: '-46.6' }, 'sam'],
  ['Tokyo', { continent: 'AS', country: 'JP' }, 'apac'],
  ['Dubai', { continent: 'AS', country: 'AE' }, 'me'],
  ['Sydney', { continent: 'OC' }, 'oc'],
  ['Nairobi', { continent: 'AF' }, 'afr'],
  ['Antarctica', { continent: 'AN' }, 'weur'],
  ['a request without a place', undefined, 'weur'],
] as const)('%s is served by the nearest region', (_, place, region) => {
  expect(regionOf(place, 'weur')).toBe(region)
})
