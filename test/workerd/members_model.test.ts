import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runs } from '../support/effort.ts'
import { membershipCommands } from './members_model.ts'
import { setUp } from './members_real.ts'

describe('memberships', () => {
  it('go as their model says, and keep an owner everywhere, whatever is done in whatever order', async () => {
    const seed = Date.now() % 0x7fffffff
    console.log(`seed of the memberships' model: ${seed}`)
    const property = fc.asyncProperty(membershipCommands(50), (commands) => fc.asyncModelRun(setUp, commands))
    const report = await fc.check(property, { seed, numRuns: runs(6), endOnFailure: false })
    expect(await fc.asyncDefaultReportMessage(report)).toBeUndefined()
  })
})
