import { expect, it } from 'vitest'
import { auditEntryCharsMax, auditValueCharsMax } from '../../../src/core/limits.ts'
import { boundEntry } from '../../../src/db/audit_bound.ts'
import { shortChangesOf, shortFields } from '../../../src/db/audit_fields.ts'

it('tells what changed, came and went, and nothing else', () => {
  const before = { name: 'a', same: [1], 'panels.a': { q: 'x' }, 'panels.b': { q: 'y' } }
  const after = { name: 'b', same: [1], 'panels.a': { q: 'z' }, 'panels.c': { q: 'y' } }
  expect(shortChangesOf(before, after)).toEqual({
    name: { before: 'a', after: 'b' },
    'panels.a': { before: { q: 'x' }, after: { q: 'z' } },
    'panels.b': { before: { q: 'y' }, after: null },
    'panels.c': { before: null, after: { q: 'y' } },
  })
})

it('keeps only the beginning of a long value, as a text that is well formed', () => {
  const long = `${'x'.repeat(auditValueCharsMax - 2)}\u{1f600}`
  const { q, short } = shortFields({ q: long, short: 7 })
  expect(short).toBe(7)
  expect(q).toHaveLength(auditValueCharsMax + 3)
  expect((q as string).isWellFormed()).toBe(true)
  expect(shortChangesOf({ q: `${long}1` }, { q: `${long}2` })).toEqual({ q: { before: q, after: q } })
})

const sizeOf = (told: object) => JSON.stringify(told).length - '{"details":,"changes":}'.length
const changesOf = (count: number, chars: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`panels.p${i}`, { before: 'a'.repeat(chars), after: { n: i, q: 'b'.repeat(chars) } }]),
  )

it('leaves an entry as it is that is short enough', () => {
  const told = { details: { count: 3 }, changes: changesOf(5, 100) }
  expect(boundEntry(told)).toBe(told)
})

it('shortens the values of a long entry until it fits, and names every field', () => {
  const told = { details: { count: 123_456, isNew: true }, changes: changesOf(24, 150) }
  const { details, changes } = boundEntry(told)
  expect(details).toEqual(told.details)
  expect(Object.keys(changes ?? {})).toEqual(Object.keys(told.changes))
  expect(changes?.['panels.p0']).toEqual({ before: '...', after: '...' })
  expect(sizeOf({ details, changes })).toBeLessThanOrEqual(auditEntryCharsMax)
})

it('keeps the beginning of a single long value', () => {
  const { details } = boundEntry({ details: { q: 'x'.repeat(4_000), from: 'now-1h' } })
  expect(details).toEqual({ q: `"${'x'.repeat(5 * auditValueCharsMax - 1)}...`, from: 'now-1h' })
})

it('counts the fields whose names alone are too many', () => {
  const { details, changes } = boundEntry({ details: { by: 'key' }, changes: changesOf(500, 10) })
  const told = Object.keys(changes ?? {}).length
  expect(told).toBeGreaterThan(20)
  expect(details).toEqual({ by: '...', left_out: 500 - told })
  expect(sizeOf({ details, changes })).toBeLessThanOrEqual(auditEntryCharsMax)
})
