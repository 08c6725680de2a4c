import type { AlertNotice } from '../../src/core/alerts.ts'
import { uuidv7 } from '../../src/core/ids.ts'

/** A notice of a rule that fires, with what a test wants changed. */
export function noticeOf(change: Partial<AlertNotice> = {}, rule: Partial<AlertNotice['rule']> = {}): AlertNotice {
  return {
    id: uuidv7(Date.now()),
    kind: 'firing',
    organization: { id: '01923f00-0000-7000-8000-00000000000a', name: 'Shop' },
    rule: {
      id: '01923f00-0000-7000-8000-00000000000b',
      name: 'Checkout fails',
      severity: 'error',
      description: '',
      runbook_url: null,
      condition: 'count() > 10 within 5m',
      q: 'level:error',
      ...rule,
    },
    from: '2026-11-22T17:00:00.000Z',
    to: '2026-11-22T17:05:00.000Z',
    groups: [
      { group: {}, state: 'firing', value: 12, since: '2026-11-22T17:05:00.000Z', logs_url: 'https://edgelog.example.com/logs?q=1' },
    ],
    logs_url: 'https://edgelog.example.com/logs',
    rule_url: 'https://edgelog.example.com/rule',
    logs: [],
    error: null,
    ...change,
  }
}
