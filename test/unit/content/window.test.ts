import { describe, expect, it } from 'vitest'
import { ProblemError } from '../../../src/core/problems.ts'
import { windowOf } from '../../../src/search/dashboards/window.ts'

const at = Date.parse('2026-11-22T10:00:01.234Z')

describe('the window of a dashboard', () => {
  it('is the same for all who ask within one step, and includes the present moment', () => {
    const first = windowOf('now-1h', 'now', at, 5000)
    expect(first).toMatchObject({ from: '2026-11-22T09:00:05.000Z', to: '2026-11-22T10:00:05.000Z' })
    expect(windowOf('now-1h', 'now', at + 3766, 5000)).toEqual(first)
    expect(windowOf('now-1h', 'now', at + 3767, 5000).to).toBe('2026-11-22T10:00:10.000Z')
  })

  it('takes times that do not depend on the present as they are', () => {
    expect(windowOf('2026-11-22T09:00:00.123Z', '2026-11-22T09:00:00.124Z', at, 5000)).toMatchObject({
      from: '2026-11-22T09:00:00.123Z',
      to: '2026-11-22T09:00:00.124Z',
    })
  })

  it('ends with the last millisecond there is', () => {
    expect(windowOf('now', 'now+99999999d', at, 5000).to).toBe('2286-11-20T17:46:39.999Z')
    expect(windowOf('now-99999999d', 'now', at, 5000).from).toBe('1970-01-01T00:00:00.000Z')
  })

  it('refuses bounds that turned round since they were written', () => {
    expect(() => windowOf('2026-11-22T10:00:00Z', 'now-1h', at, 5000)).toThrow(ProblemError)
  })
})
