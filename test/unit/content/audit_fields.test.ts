import { expect, it } from 'vitest'
import { auditValueCharsMax } from '../../../src/core/limits.ts'
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
