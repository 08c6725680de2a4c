import { describe, expect, it } from 'vitest'
import { alertNoticeSchema } from '../../../src/core/alerts.ts'
import { cutJson, jsonBytes } from '../../../src/core/json_bytes.ts'
import {
  alertGroupsBytesMax,
  alertGroupsMax,
  alertKeyValueBytesMax,
  alertNoticeBytesMax,
  alertNoticeGroupsMax,
  d1RowBytesMax,
} from '../../../src/core/limits.ts'
import { storedAlertDefinition } from '../../../src/features/alerts/definition.ts'
import { keyValue } from '../../../src/search/alerts/group_key.ts'
import { initialState, step } from '../../../src/search/alerts/machine.ts'
import type { RuleState } from '../../../src/search/alerts/machine.ts'
import { queryOfGroups } from '../../../src/search/alerts/notice.ts'
import { boundedNotice } from '../../../src/core/notice_bounds.ts'
import { noticeOf } from '../../support/notices.ts'

const nasty = ['\u0000'.repeat(9000), '\ud800'.repeat(9000), '€'.repeat(9000), '"'.repeat(9000), 'plain '.repeat(2000)]

describe('a text that is cut for JSON', () => {
  it.each(nasty)('takes no more bytes than it may, and is a beginning of the whole', (text) => {
    for (const max of [3, 10, 200, 5000]) {
      const cut = cutJson(text, max)
      expect(jsonBytes(cut) - 2).toBeLessThanOrEqual(max)
      expect(text.startsWith(cut.slice(0, -1))).toBe(true)
    }
  })

  it('stays as it is where it fits', () => {
    expect(cutJson('€"', 5)).toBe('€"')
    expect(cutJson('€"', 4)).toBe('…')
  })
})

describe('the name of a group', () => {
  it('keeps what is short, and tells long values with one beginning apart', () => {
    expect([keyValue('checkout'), keyValue(null), keyValue('')]).toEqual(['checkout', null, ''])
    const names = ['a', 'b'].map((end) => keyValue('x'.repeat(5000) + end) ?? '')
    expect(names[0]).not.toBe(names[1])
    for (const value of nasty) expect(jsonBytes(keyValue(value))).toBeLessThanOrEqual(alertKeyValueBytesMax + 20)
  })

  it('that was cut is any value in a link to its logs, as no log has it', () => {
    expect(queryOfGroups('', [{ host: keyValue('x'.repeat(5000)) }])).toBe('"host":*')
    expect(queryOfGroups('', [{ host: 'a' }])).toBe('"host":="a"')
  })
})

describe('what a rule remembers', () => {
  const by = ['a', 'b', 'c', 'd'].map((name) => name.repeat(250))
  const definition = storedAlertDefinition.parse({ threshold: 1, by, channel_ids: ['01890000-0000-7000-8000-000000000000'] })
  const window = (from: RuleState, count: number, value: number, atMs: number) => {
    const groups = Array.from({ length: count }, (_, i) => {
      return { key: Object.fromEntries(by.map((name) => [name, keyValue(`${i} ${'\u0001'.repeat(3000)}`)])), value: value + i }
    })
    const seen = { kind: 'values', groups, isWhole: true, truncated: false } as const
    return step(definition, from, seen, { atMs, version: 1, isSilenced: false, mayRemind: true })
  }

  it('stays small however long the names of its groups are, and keeps those that people were told of', () => {
    const few = window(initialState, 10, 5, 60_000)
    const { after, changes } = window(few.after, alertGroupsMax, 1000, 120_000)
    expect(jsonBytes(after.groups)).toBeLessThanOrEqual(alertGroupsBytesMax)
    expect(after.groups.length).toBeGreaterThan(10)
    expect(after).toMatchObject({ truncated: true, state: 'firing' })
    expect(changes.at(-1)?.detail).toContain('names are too long')
    const over = window(after, 0, 0, 180_000)
    expect(over.notices).toMatchObject([{ kind: 'resolved', groups: { length: after.groups.length } }])
  })
})

describe('a notice', () => {
  const log = (text: string) => ({ id: '1', timestamp: '2026-11-22T17:00:00.000Z', severity: text, source: text, message: text })

  it.each(nasty)('of texts without end takes what a row of D1 can hold many times', (text) => {
    const group = {
      group: { [text.slice(0, 256)]: keyValue(text) },
      state: 'firing' as const,
      value: 1,
      since: 'x',
      logs_url: 'u'.repeat(1500),
    }
    const rule = { name: text.slice(0, 100), description: text, runbook_url: text, condition: text, q: text }
    const whole = noticeOf(
      {
        groups: Array.from({ length: alertNoticeGroupsMax }, () => group),
        groups_total: 100,
        logs: Array.from({ length: 5 }, () => log(text)),
        logs_url: 'u'.repeat(8000),
        error: text,
      },
      rule,
    )
    const notice = boundedNotice(whole)
    expect(jsonBytes(notice)).toBeLessThanOrEqual(alertNoticeBytesMax)
    expect(alertNoticeBytesMax).toBeLessThan(d1RowBytesMax / 10)
    expect(alertNoticeSchema.parse(notice)).toMatchObject({ groups_total: 100, logs: { length: 5 }, rule: { runbook_url: null } })
  })

  it('that is short stays as it is', () => {
    const short = noticeOf({ logs: [log('boom')] })
    expect(boundedNotice(short)).toEqual(short)
  })
})
