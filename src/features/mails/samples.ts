import type { AlertNotice, AlertNoticeKind } from '../../core/alerts.ts'
import type { MailKind, MailParams } from '../../core/mails.ts'

/** Something that each kind of mail could say, to look at on a development machine and to check all texts by. */
export type Samples = { readonly [K in MailKind]: Readonly<Record<string, MailParams<K>>> }

const token = 'c2FtcGxlLXRva2VuLW9mLXRoaXMtbWFpbC1vbmx5LTEy'
const organization_name = 'Example Shop'
const atMs = Date.UTC(2026, 10, 16, 8, 30)
const tenant = { thing: 'organization', name: organization_name } as const

/** Samples by kind, and by a name where a kind looks different from case to case. */
export function samplesOf(publicUrl: string): Samples {
  return {
    welcome: { sample: { token } },
    registration_known: { sample: {} },
    verify_email: { sample: { token } },
    reset_password: { sample: { token } },
    set_password: { sample: { token, account_name: 'Example Ltd' } },
    password_changed: { sample: { at_ms: atMs } },
    change_email_old: { sample: { token, new_email: 'new@example.com' } },
    change_email_new: { sample: { token } },
    email_changed: { sample: { new_email: 'new@example.com' } },
    new_device: { sample: { device: 'Firefox on Linux', place: 'Berlin, DE', at_ms: atMs } },
    second_factor_enabled: { sample: {} },
    second_factor_disabled: { sample: {} },
    recovery_code_used: { sample: { left: 7 } },
    second_factor_failed: { sample: { at_ms: atMs } },
    invitation: { sample: { token, organization_name, invited_by: 'Ada Example', role: 'viewer' } },
    membership_changed: { sample: { ...tenant, role: 'admin' } },
    membership_removed: { sample: tenant },
    ownership_transferred: { sample: { ...tenant, to: 'owner@example.com' } },
    organization_deleted: {
      sample: { ...tenant, purge_at_ms: atMs },
      account: { thing: 'account', name: 'Example Ltd', purge_at_ms: atMs },
    },
    mails_turned_off: { sample: { mails: 'alerts' } },
    user_deleted: { sample: { purge_at_ms: atMs } },
    verify_reminder: { sample: { token, ends_at_ms: atMs }, kept: { token, ends_at_ms: null } },
    confirm_recipient: { sample: { token, organization_name, asked_by: 'Ada Example' } },
    alert: alertSamples(publicUrl),
    report: reportSamples,
    weekly_digest: { sample: digestSample(publicUrl) },
  }
}

const instant = (minutes: number) => new Date(atMs + minutes * 60_000).toISOString()

const reportSamples: Samples['report'] = {
  sample: {
    organization_name,
    report: { id: 'report', name: 'Failed payments', q: 'source:payments severity:error', from: instant(-1440), to: instant(0) },
    rows: 128,
    truncated: false,
    csv_key: 'sample.csv',
    csv_bytes: 48_213,
  },
  empty: {
    organization_name,
    report: { id: 'report', name: 'Failed payments', q: '', from: instant(-1440), to: instant(0) },
    rows: 0,
    truncated: false,
    csv_key: null,
    csv_bytes: 0,
  },
}

function alertSamples(publicUrl: string): Samples['alert'] {
  const firing = noticeSample(publicUrl, 'firing')
  const many = Array.from({ length: 45 }, (_, i) => groupSample(publicUrl, `node-${i + 1}`, 500 - i))
  const states = (state: 'inactive' | 'nodata') => firing.groups.map((group) => ({ ...group, state, value: state === 'nodata' ? null : 3 }))
  const failed = 'The query reads more than a rule may: it stopped after 10 seconds.'
  return {
    firing: { notice: firing },
    many: { notice: { ...firing, rule: { ...firing.rule, severity: 'warning' }, groups: many } },
    reminder: { notice: { ...firing, kind: 'reminder', rule: { ...firing.rule, severity: 'error' } } },
    resolved: { notice: { ...firing, kind: 'resolved', groups: states('inactive'), logs: [] } },
    nodata: { notice: { ...firing, kind: 'nodata', groups: states('nodata'), logs: [] } },
    error: { notice: { ...firing, kind: 'error', groups: [], logs: [], error: failed } },
    test: { notice: { ...firing, kind: 'test', rule: { ...firing.rule, severity: 'info' } } },
  }
}

function noticeSample(publicUrl: string, kind: AlertNoticeKind): AlertNotice {
  const log = (id: number, message: string) => {
    return { id: String(id), timestamp: instant(-id), severity: 'error', source: 'payments', message }
  }
  return {
    id: '019a0000-0000-7000-8000-000000000001',
    kind,
    organization: { id: '019a0000-0000-7000-8000-000000000002', name: organization_name },
    rule: {
      id: '019a0000-0000-7000-8000-000000000003',
      name: 'Payments fail',
      severity: 'critical',
      description: 'Customers cannot pay.\nLook at the gateway first.',
      runbook_url: 'https://wiki.example.com/runbooks/payments',
      condition: 'count() by host > 100 within 5m',
      q: 'source:payments severity:error',
    },
    from: instant(-5),
    to: instant(0),
    groups: [groupSample(publicUrl, 'web-1', 412), groupSample(publicUrl, 'web-2', 130)],
    logs_url: logsUrl(publicUrl, 'source:payments severity:error'),
    rule_url: `${publicUrl}/api/v1/alerts/019a0000-0000-7000-8000-000000000003`,
    logs: [
      log(1, 'POST /pay 502 upstream gateway.example.net refused the connection after 3 tries'),
      log(2, 'java.net.ConnectException: Connection refused\n    at java.base/sun.nio.ch.Net.pollConnect(Native Method)'),
    ],
    error: null,
  }
}

function groupSample(publicUrl: string, host: string, value: number): AlertNotice['groups'][number] {
  return {
    group: { host },
    state: 'firing',
    value,
    since: instant(-2),
    logs_url: logsUrl(publicUrl, `source:payments severity:error host:${host}`),
  }
}

function logsUrl(publicUrl: string, q: string): string {
  return `${publicUrl}/api/v1/logs/search?${new URLSearchParams({ q, from: instant(-5), to: instant(0) }).toString()}`
}

function digestSample(publicUrl: string): MailParams<'weekly_digest'> {
  const perDay = [181_204, 175_390, 190_133, 202_871, 168_002, 51_320, 47_711]
  return {
    organization_name,
    from_day: '2026-11-09',
    to_day: '2026-11-16',
    rows: perDay.reduce((sum, rows) => sum + rows, 0),
    bytes: 412_345_678,
    rows_before: 911_200,
    by_day: perDay.map((rows, i) => ({ day: `2026-11-${String(9 + i).padStart(2, '0')}`, rows })),
    by_severity: [
      { severity: 'info', rows: 941_311 },
      { severity: 'warn', rows: 61_200 },
      { severity: 'error', rows: 14_120 },
    ],
    top_sources: [
      { source: 'web', rows: 702_345 },
      { source: 'payments', rows: 210_012 },
      { source: 'worker', rows: 104_274 },
    ],
    top_errors: [
      { pattern: 'POST /pay <NUM> upstream <HOST> refused the connection after <NUM> tries', rows: 8120 },
      { pattern: 'deadlock detected in transaction <UUID>', rows: 311 },
    ],
    alerts: [{ name: 'Payments fail', fired: 3, state: 'inactive' }],
    partial: false,
    logs_url: logsUrl(publicUrl, ''),
  }
}
