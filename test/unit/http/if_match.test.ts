import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { ifMatch } from '../../../src/http/if_match.ts'
import type { AppEnv } from '../../../src/http/route.ts'

/** Whether a request with this header wants to change the version `"7"`. */
async function isWanted(header?: string): Promise<boolean> {
  const app = new Hono<AppEnv>().get('/', (c) => c.json(ifMatch(c)('"7"')))
  const response = await app.request('/', { headers: header === undefined ? {} : { 'If-Match': header } })
  return (await response.json()) as boolean
}

it.each([[undefined], ['*'], ['"7"'], ['"6", "7"'], ['"6" , W/"9","7"']])('wants the version with If-Match %s', async (header) => {
  expect(await isWanted(header)).toBe(true)
})

it.each([['"8"'], ['W/"7"'], ['7'], [''], ['"77"'], ['"7, 8"']])('does not want it with If-Match %s', async (header) => {
  expect(await isWanted(header)).toBe(false)
})
