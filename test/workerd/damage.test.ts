import { env } from 'cloudflare:test'
import { afterEach, expect, it } from 'vitest'
import { damageReportMs, damageShownMs } from '../../src/core/limits.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import { isDamageKnown } from '../../src/db/damaged_segments.ts'
import { reportDamage } from '../../src/search/damage.ts'
import { createWorld } from '../support/world.ts'
import { ownerWithJobs } from './control_world.ts'

afterEach(() => env.DB.prepare('DELETE FROM damaged_segments').run())

it('records a damaged part once in an hour, and shows it a day longer than queries meet it', async () => {
  const { ctx } = ownerWithJobs(await createWorld())
  const startMs = Date.now()
  const seenAfter = async (ms: number) => {
    const work: Promise<unknown>[] = []
    const later: TenantCtx = { ...ctx, now: () => startMs + ms, waitUntil: (promise) => void work.push(promise) }
    reportDamage(later, [{ segment: 'weur/0 block 1', reason: 'damaged' }])
    await Promise.all(work)
    const row = await env.DB.prepare('SELECT seen_at FROM damaged_segments').first<{ seen_at: number }>()
    return (row?.seen_at ?? NaN) - startMs
  }
  expect(await seenAfter(0)).toBe(0)
  expect(await seenAfter(damageReportMs - 1)).toBe(0)
  expect(await seenAfter(damageReportMs)).toBe(damageReportMs)
  const isKnownAfter = (ms: number) => isDamageKnown({ db: ctx.db, now: () => startMs + damageReportMs + ms })
  expect([await isKnownAfter(damageShownMs - 1), await isKnownAfter(damageShownMs)]).toEqual([true, false])
})
