import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { refreshGraceMs } from '../../src/core/limits.ts'
import { refresh } from '../../src/features/auth/refresh.ts'
import { runs } from '../support/effort.ts'
import { createWorld, testCtx } from '../support/world.ts'
import { refreshCommands } from './refresh_model.ts'
import type { Model, Real } from './refresh_model.ts'

const startMs = Date.now()
const at: Real['at'] = (nowMs) => ({ ...testCtx(), now: () => nowMs })

describe('refresh rotation', () => {
  it('goes as its model does, whatever happens in whatever order', async () => {
    const property = fc.asyncProperty(refreshCommands(40), async (commands) => {
      const real: Real = { world: await createWorld(), at }
      const model: Model = { nowMs: startMs, sessions: [], version: 0 }
      await fc.asyncModelRun(() => ({ model, real }), commands)
    })
    const report = await fc.check(property, { numRuns: runs(40) })
    expect(report.failed ? fc.defaultReportMessage(report) : 'as the model').toBe('as the model')
  }, 120_000)

  it('of twenty uses at once of the token before, all or none get the present one', async () => {
    const { owner } = await createWorld()
    const first = await refresh(at(startMs), owner.refreshToken)
    const inTime = await Promise.all(Array.from({ length: 20 }, () => refresh(at(startMs + refreshGraceMs), owner.refreshToken)))
    expect(new Set(inTime.map(({ refreshToken }) => refreshToken))).toEqual(new Set([first.refreshToken]))
    const late = Array.from({ length: 20 }, () => refresh(at(startMs + refreshGraceMs + 1), owner.refreshToken))
    expect(new Set((await Promise.allSettled(late)).map(({ status }) => status))).toEqual(new Set(['rejected']))
    await expect(refresh(at(startMs + refreshGraceMs + 1), first.refreshToken)).rejects.toMatchObject({ code: 'invalid_refresh_token' })
  })
})
