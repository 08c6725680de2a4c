import { queueNames } from '../../core/jobs.ts'
import type { QueueName } from '../../core/jobs.ts'
import type { ScheduleName } from '../../core/schedules.ts'
import type { ScheduleRow } from '../../db/schedules.ts'
import type { MetricFamily, Sample } from './exposition.ts'

/** What a queue holds; null where it does not tell. */
export type Backlogs = Readonly<Record<QueueName, Pick<QueueMetrics, 'backlogCount' | 'backlogBytes'> | null>>

/** What each schedule did. One that never ran has counters at 0 and no time, so that no alert takes 1970 for its last run. */
export function scheduleFamilies(schedules: readonly ScheduleName[], rows: readonly ScheduleRow[]): MetricFamily[] {
  const known = new Map(rows.map((row) => [row.name, row]))
  const samples = (figure: (row: ScheduleRow | undefined) => number | null | undefined): Sample[] =>
    schedules.flatMap(({ name }) => {
      const value = figure(known.get(name)) ?? null
      return value === null ? [] : [{ labels: { schedule: name }, value }]
    })
  const seconds = (ms: number | null = null) => (ms === null ? null : ms / 1000)
  const family = (name: string, type: MetricFamily['type'], help: string, figure: Parameters<typeof samples>[0]): MetricFamily => {
    return { name: `edgelog_schedule_${name}`, type, help, samples: samples(figure) }
  }
  return [
    family('last_run_timestamp_seconds', 'gauge', 'When a schedule last began, in Unix time.', (row) => seconds(row?.startedAt)),
    family('last_duration_seconds', 'gauge', 'How long its last run took that ended.', (row) => seconds(row?.durationMs)),
    family('last_success_timestamp_seconds', 'gauge', 'When it last went well.', (row) => seconds(row?.succeededAt)),
    family('runs_total', 'counter', 'Runs that began.', (row) => row?.runs ?? 0),
    family('failures_total', 'counter', 'Runs that failed, or did not end.', (row) => row?.failures ?? 0),
    family('skips_total', 'counter', 'Times at which its turn passed, since the run before had not ended.', (row) => row?.skips ?? 0),
  ]
}

/** What waits in the queues, and what was given up and not sent again. */
export function queueFamilies(backlogs: Backlogs, dead: Readonly<Partial<Record<QueueName, number>>>): MetricFamily[] {
  const samples = (figure: (queue: QueueName) => number | undefined): Sample[] =>
    queueNames.flatMap((queue) => {
      const value = figure(queue)
      return value === undefined ? [] : [{ labels: { queue }, value }]
    })
  const gauge = (name: string, help: string, figure: Parameters<typeof samples>[0]): MetricFamily => {
    return { name, type: 'gauge', help, samples: samples(figure) }
  }
  return [
    gauge('edgelog_queue_backlog_messages', 'Messages that a queue holds.', (queue) => backlogs[queue]?.backlogCount),
    gauge('edgelog_queue_backlog_bytes', 'Bytes that they take.', (queue) => backlogs[queue]?.backlogBytes),
    gauge('edgelog_dead_jobs', 'Messages that were given up and not sent again, of the last 30 days.', (queue) => dead[queue] ?? 0),
  ]
}
