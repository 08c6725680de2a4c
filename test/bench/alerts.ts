import { randomUUID } from 'node:crypto'
import type { Costs } from '../../src/core/costs.ts'
import { dollarsOf } from '../../src/core/prices.ts'
import { quantile } from './figures.ts'
import type { Figure } from './figures.ts'
import { readMeter, spent } from './meter.ts'
import type { BenchWorld } from './world.ts'

const rules = 1000
const organizations = 10
/** Logs of each organization within the windows of its rules. */
const logs = 20_000
const rounds = 3
const waitMs = 120_000
const minutesOfMonth = 30 * 24 * 60

const rest = {
  stats: 'count()',
  by: [] as string[],
  operator: '>',
  recovery_threshold: null,
  window_seconds: 300,
  interval_seconds: 60,
  delay_seconds: 0,
  for_seconds: 0,
  recover_for_seconds: 0,
  no_data: { policy: 'ok', after_seconds: null as number | null },
  renotify_seconds: null,
  severity: 'error',
  description: '',
  runbook_url: null,
  channel_ids: [],
}

/** Three kinds of rules, as people have them: most count errors. */
const definitions = [
  { q: 'severity:>=error', threshold: 1e9 },
  { q: 'severity:>=error', threshold: 1e9 },
  { q: 'severity:>=error', threshold: 1e9 },
  { q: '', stats: 'p99(duration)', by: ['service'], threshold: 1e9, no_data: { policy: 'nodata', after_seconds: 600 } },
  { q: 'timeout', by: ['service'], operator: '<', threshold: -1 },
].map((given) => ({ ...rest, ...given }))

/** Costs of 1,000 rules a minute when nothing happens to them, and how long a minute's round takes. */
export async function measureAlerts(world: BenchWorld): Promise<Figure[]> {
  for (let i = 0; i < organizations; i++) await fillOrganization(world, i)
  // The first round writes down what the rules found; after it, they are as they stay.
  await round(world)
  const before = await readMeter(world)
  const seconds: number[] = []
  for (let i = 0; i < rounds; i++) {
    await world.database.prepare('UPDATE alert_rules SET evaluated_to = evaluated_to - 60000').run()
    seconds.push(await round(world))
  }
  const after = await readMeter(world)
  const { results } = await world.database
    .prepare('SELECT evaluation_ms AS ms, error FROM alert_rules')
    .all<{ ms: number; error: string | null }>()
  const failed = results.find(({ error }) => error !== null)
  if (failed !== undefined) throw new Error(`a rule failed: ${failed.error}`)
  const costs = spent(before, after, ['queue.alert-jobs', 'schedule.* * * * *'])
  return [
    {
      name: '1,000 rules of 10 organizations due at once: all evaluated after',
      value: Math.max(...seconds),
      unit: 's',
      target: 30,
      higherIsBetter: false,
    },
    {
      name: 'one rule, median',
      value: quantile(
        results.map(({ ms }) => ms),
        0.5,
      ),
      unit: 'ms',
    },
    {
      name: 'one rule, 99th percentile',
      value: quantile(
        results.map(({ ms }) => ms),
        0.99,
      ),
      unit: 'ms',
    },
    ...figuresOf(costs),
  ]
}

/** Each for one rule and one minute. */
function figuresOf(costs: Costs): Figure[] {
  const each = (amount: number | undefined) => (amount ?? 0) / rules / rounds
  return [
    { name: 'D1 rows written, a rule and minute', value: each(costs.d1_rows_written), unit: 'rows', target: 2.1, higherIsBetter: false },
    { name: 'D1 rows read, a rule and minute', value: each(costs.d1_rows_read), unit: 'rows' },
    { name: 'object requests, a rule and minute', value: each(costs.do_requests), unit: '' },
    { name: 'R2 operations, a rule and minute', value: each((costs.r2_class_a ?? 0) + (costs.r2_class_b ?? 0)), unit: '' },
    { name: 'queue operations, a rule and minute', value: each(costs.queue_operations), unit: '' },
    { name: 'a rule of each minute for a month, processor time left out', value: each(dollarsOf(costs)) * minutesOfMonth, unit: 'dollars' },
  ]
}

/** Seconds from the beginning of the schedule until every rule has been evaluated. */
async function round(world: BenchWorld): Promise<number> {
  const began = performance.now()
  await world.scheduled('* * * * *')
  for (;;) {
    const left = await world.database
      .prepare('SELECT count(*) AS rules FROM alert_rules WHERE lease_until > 0 OR evaluated_to IS NULL OR evaluated_to < ?')
      .bind(Math.floor((Date.now() - (performance.now() - began)) / 60_000) * 60_000)
      .first<number>('rules')
    if (left === 0) return (performance.now() - began) / 1000
    if (performance.now() - began > waitMs) throw new Error(`${left} rules were not evaluated`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** An organization with logs of the last minutes and its part of the rules. */
async function fillOrganization(world: BenchWorld, number: number): Promise<void> {
  const { ingestKey, organizationId, userId } = await world.addTenant(`alerts${number}@example.com`)
  const nowMs = Date.now()
  for (let first = 0; first < logs; first += 5000) {
    const lines = Array.from({ length: 5000 }, (_, i) => JSON.stringify(lineAt(first + i, nowMs)))
    const headers = { 'content-type': 'application/x-ndjson', authorization: `Bearer ${ingestKey}` }
    const response = await fetch(`${world.url}/api/v1/logs`, { method: 'POST', headers, body: lines.join('\n') })
    if (!response.ok) throw new Error(`ingest answered ${response.status}: ${await response.text()}`)
  }
  const insert = world.database.prepare(
    `INSERT INTO alert_rules (organization_id, id, name, enabled, interval_seconds, delay_seconds, version, created_by, created_at, updated_at, definition)
     VALUES (?, ?, 'Bench', 1, 60, 0, 1, ?, ?, ?, ?)`,
  )
  const own = Array.from({ length: rules / organizations }, (_, i) => JSON.stringify(definitions[i % definitions.length]))
  await world.database.batch(own.map((definition) => insert.bind(organizationId, randomUUID(), userId, nowMs, nowMs, definition)))
}

function lineAt(i: number, nowMs: number) {
  const level = i % 50 === 0 ? 'error' : 'info'
  const message = i % 97 === 0 ? `upstream timeout after ${i} ms` : `request ${i} completed`
  return {
    timestamp: new Date(nowMs - (i * 240_000) / logs).toISOString(),
    level,
    service: `service-${i % 20}`,
    message,
    duration: (i * 37) % 1000,
  }
}
