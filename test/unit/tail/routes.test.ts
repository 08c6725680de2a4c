import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { tailRoutes } from '../../../src/features/tail/routes.ts'
import { plainApp, problemOf } from '../../support/app.ts'

beforeEach(() => void vi.spyOn(console, 'log').mockImplementation(() => undefined))
afterEach(() => vi.restoreAllMocks())

test('attempts to connect count by address, since each costs a lookup whatever its ticket', async () => {
  const app = plainApp(tailRoutes, { RATE_LIMIT_ANONYMOUS_PER_MINUTE: '2' })
  const attempt = async (address: string) => problemOf(await app('/ws/logs?ticket=used', { headers: { 'CF-Connecting-IP': address } }))
  for (let i = 0; i < 2; i++) expect(await attempt('192.0.2.1')).toMatchObject({ status: 426 })
  expect(await attempt('192.0.2.1')).toMatchObject({ status: 429, code: 'rate_limited' })
  expect(await attempt('192.0.2.2')).toMatchObject({ status: 426 })
})
