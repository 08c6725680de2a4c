import { expect, it } from 'vitest'
import { attributesShare, demoLogs, severityWeights } from '../../../scripts/seed/demo_logs.ts'

const nowMs = Date.parse('2026-11-22T12:00:00Z')
const count = 20_000
const logs = [...demoLogs(count, nowMs)]
const share = (matches: (log: (typeof logs)[number]) => boolean) => logs.filter(matches).length / count

it.each(severityWeights)('makes %s a share of %d', (severity, weight) => {
  expect(share((log) => log.severity === severity)).toBeCloseTo(weight, 2)
})

it('is the same at every run', () => {
  expect([...demoLogs(100, nowMs)]).toEqual(logs.slice(0, 100))
})

it('has 20 sources, attributes on every third log or so, and messages without a gap', () => {
  expect(new Set(logs.map((log) => log.source)).size).toBe(20)
  expect(share((log) => log.attributes !== undefined)).toBeCloseTo(attributesShare, 2)
  expect(logs.filter((log) => /[{}]/.test(log.message))).toEqual([])
})

it('lies mostly in the last 7 days and never in the future', () => {
  const ages = logs.map((log) => nowMs - Date.parse(log.timestamp))
  const dayMs = 86_400_000
  expect(Math.min(...ages)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...ages)).toBeLessThanOrEqual(30 * dayMs)
  expect(ages.filter((age) => age <= 7 * dayMs).length / count).toBeGreaterThan(0.8)
})
