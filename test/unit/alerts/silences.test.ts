import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextCronMs } from '../../../src/core/cron.ts'
import { isSilenced } from '../../../src/features/silences/active.ts'
import type { SilenceRow } from '../../../src/features/silences/active.ts'
import { holdsAt, phaseAt } from '../../../src/features/silences/recurrence.ts'
import type { Recurrence, SilenceTimes } from '../../../src/features/silences/recurrence.ts'
import { runs } from '../../support/effort.ts'

const minute = 60_000
const at = (text: string) => Date.parse(text)

function row(more: Partial<SilenceRow> = {}): SilenceRow {
  return {
    organizationId: 'o',
    id: 's',
    ruleId: null,
    comment: '',
    startsAt: at('2026-01-01T00:00:00Z'),
    endsAt: at('2026-01-01T01:00:00Z'),
    recurrence: null,
    createdBy: 'u',
    createdAt: 0,
    updatedAt: 0,
    ...more,
  }
}

const always = { startsAt: 0, endsAt: null }
const weekly = (more: Partial<SilenceTimes> = {}): SilenceTimes => ({
  ...always,
  recurrence: { cron: '0 22 * * SUN', time_zone: 'Europe/Berlin', duration_minutes: 120 },
  ...more,
})

describe('a silence', () => {
  it('holds from its start to just before its end', () => {
    const { startsAt, endsAt } = row()
    const held = [startsAt - 1, startsAt, (endsAt ?? 0) - 1, endsAt ?? 0].map((atMs) => isSilenced([row()], 'r', atMs))
    expect(held).toEqual([false, true, true, false])
  })

  it('is for its rule, or for all', () => {
    const rows = [row({ ruleId: 'a' })]
    const now = rows[0]?.startsAt ?? 0
    expect([isSilenced(rows, 'a', now), isSilenced(rows, 'b', now), isSilenced([row()], 'b', now)]).toEqual([true, false, true])
    expect(isSilenced([], 'a', now)).toBe(false)
  })

  it('answers for the moment that is asked about, whatever was asked before', () => {
    const one = row()
    const moments = [0, 30, 90, 30, 0, -1].map((minutes) => one.startsAt + minutes * minute)
    expect(moments.map((atMs) => isSilenced([one], 'r', atMs))).toEqual([true, true, false, true, true, false])
  })

  it('says until when it holds, or when it begins', () => {
    const { startsAt, endsAt } = row()
    expect(phaseAt(row(), startsAt)).toEqual({ active: true, untilMs: endsAt })
    expect(phaseAt(row(), startsAt - 1)).toEqual({ active: false, nextMs: startsAt })
    expect(phaseAt(row(), endsAt ?? 0)).toEqual({ active: false, nextMs: null })
  })
})

describe('a maintenance window', () => {
  it('comes again by the clock of its time zone', () => {
    // Sundays from 22:00 to midnight in Berlin: CET in winter, CEST in summer.
    for (const [begin, end] of [
      ['2026-01-04T21:00:00Z', '2026-01-04T23:00:00Z'],
      ['2026-07-05T20:00:00Z', '2026-07-05T22:00:00Z'],
    ] as const) {
      expect(phaseAt(weekly(), at(begin) - 1)).toEqual({ active: false, nextMs: at(begin) })
      expect(phaseAt(weekly(), at(begin))).toEqual({ active: true, untilMs: at(end) })
      expect(phaseAt(weekly(), at(end) - 1)).toEqual({ active: true, untilMs: at(end) })
      expect(holdsAt(weekly(), at(end))).toBe(false)
    }
  })

  it('holds only within the times of the silence', () => {
    const cut = weekly({ startsAt: at('2026-01-04T21:30:00Z'), endsAt: at('2026-01-11T22:00:00Z') })
    expect(phaseAt(cut, at('2026-01-04T21:10:00Z'))).toEqual({ active: false, nextMs: at('2026-01-04T21:30:00Z') })
    expect(phaseAt(cut, at('2026-01-04T21:30:00Z'))).toEqual({ active: true, untilMs: at('2026-01-04T23:00:00Z') })
    expect(phaseAt(cut, at('2026-01-11T21:00:00Z'))).toEqual({ active: true, untilMs: at('2026-01-11T22:00:00Z') })
    expect(phaseAt(cut, at('2026-01-11T22:00:00Z'))).toEqual({ active: false, nextMs: null })
    expect(phaseAt(weekly({ endsAt: at('2026-01-11T21:00:00Z') }), at('2026-01-05T00:00:00Z'))).toEqual({ active: false, nextMs: null })
  })

  // Windows of four hours from 01:00, over the night in which the clock is put forward or back: as long as on any other night.
  it.each([
    ['Europe/Berlin', '2026-03-29T00:00:00Z'],
    ['Europe/Berlin', '2026-10-24T23:00:00Z'],
    ['America/New_York', '2026-03-08T06:00:00Z'],
    ['America/New_York', '2026-11-01T05:00:00Z'],
    ['Australia/Lord_Howe', '2026-10-03T14:30:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T14:00:00Z'],
  ])('is as long as it says in %s from %s, when the clock changes within it', (zone, begin) => {
    const silence = { ...always, recurrence: { cron: '0 1 * * *', time_zone: zone, duration_minutes: 240 } }
    const [from, to] = [at(begin), at(begin) + 240 * minute]
    expect([from - 1, from, to - 1, to].map((atMs) => holdsAt(silence, atMs))).toEqual([false, true, true, false])
    expect(phaseAt(silence, from + 90 * minute)).toEqual({ active: true, untilMs: to })
  })

  it.each([
    ['Europe/Berlin', '2026-03-29T01:00:00Z'],
    ['America/New_York', '2026-03-08T07:00:00Z'],
    ['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
  ])('that begins while the clock of %s skips, begins with the change at %s', (zone, change) => {
    const silence = { ...always, recurrence: { cron: '15 2 * * *', time_zone: zone, duration_minutes: 30 } }
    const from = at(change)
    expect([from - 1, from, from + 30 * minute - 1, from + 30 * minute].map((atMs) => holdsAt(silence, atMs))).toEqual([
      false,
      true,
      true,
      false,
    ])
  })

  it('whose windows touch is one as long as they do', () => {
    const night = { cron: '0 20-23 * * *', time_zone: 'UTC', duration_minutes: 60 }
    expect(phaseAt({ ...always, recurrence: night }, at('2026-01-01T20:30:00Z'))).toEqual({
      active: true,
      untilMs: at('2026-01-02T00:00:00Z'),
    })
  })

  it('without a gap has no end in sight, unless the silence has one', () => {
    const recurrence = { cron: '* * * * *', time_zone: 'UTC', duration_minutes: 5 }
    const now = at('2026-01-01T00:00:30Z')
    expect(phaseAt({ ...always, recurrence }, now)).toEqual({ active: true, untilMs: null })
    expect(phaseAt({ startsAt: 0, endsAt: now + 1, recurrence }, now)).toEqual({ active: true, untilMs: now + 1 })
  })

  const recurrences = fc.record<Recurrence>({
    cron: fc.constantFrom('0 1 * * *', '30 2 * * *', '*/30 * * * *', '15 */3 * * *', '0 0 * * SUN'),
    time_zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'),
    duration_minutes: fc.integer({ min: 1, max: 1440 }),
  })
  const year = { min: at('2026-01-01T00:00:00Z'), max: at('2027-01-01T00:00:00Z') }

  it('holds exactly when some start lies no further back than it is long', () => {
    fc.assert(
      fc.property(recurrences, fc.integer(year), (recurrence, atMs) => {
        const { cron, time_zone: timeZone, duration_minutes: minutes } = recurrence
        // All starts of the two days before, one by one.
        let expected = false
        let start = nextCronMs({ cron, timeZone }, atMs - 2 * 1440 * minute)
        for (; start !== null && start <= atMs; start = nextCronMs({ cron, timeZone }, start)) expected ||= atMs - start < minutes * minute
        expect(holdsAt({ ...always, recurrence }, atMs)).toBe(expected)
      }),
      { numRuns: runs(25) },
    )
  })

  it('stays as it is until the moment that it names, and changes there', () => {
    fc.assert(
      fc.property(recurrences, fc.integer(year), fc.double({ min: 0, max: 1, noNaN: true }), (recurrence, atMs, share) => {
        const silence = { ...always, recurrence }
        const phase = phaseAt(silence, atMs)
        const change = phase.active ? phase.untilMs : phase.nextMs
        if (change === null) return
        expect(change).toBeGreaterThan(atMs)
        expect(holdsAt(silence, atMs + Math.floor(share * (change - 1 - atMs)))).toBe(phase.active)
        expect([holdsAt(silence, change - 1), holdsAt(silence, change)]).toEqual([phase.active, !phase.active])
      }),
      { numRuns: runs(60) },
    )
  })
})
