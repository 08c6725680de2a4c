import { describe, expect, it } from 'vitest'
import type { ScheduleRow } from '../../../src/db/schedules.ts'
import { renderMetrics } from '../../../src/features/metrics/exposition.ts'
import { queueFamilies, scheduleFamilies } from '../../../src/features/metrics/job_families.ts'
import { parseExposition } from '../../support/exposition.ts'

const row: ScheduleRow = {
  name: 'sweep',
  leaseId: null,
  leaseUntil: 0,
  startedAt: 1_700_000_000_500,
  endedAt: 1_700_000_001_750,
  durationMs: 1_250,
  outcome: 'failed',
  error: 'out of paper',
  runs: 9,
  failures: 2,
  succeededAt: 1_699_999_999_000,
  knownAt: 1,
  skips: 3,
  skippedAt: 2,
}
const schedules = [
  { name: 'sweep', cron: '* * * * *' },
  { name: 'new', cron: '7 * * * *' },
]

/** Samples by name and label. */
function read(families: Parameters<typeof renderMetrics>[0], label: string): Record<string, Record<string, number>> {
  const found: Record<string, Record<string, number>> = {}
  for (const { name, labels, value } of parseExposition(renderMetrics(families))) (found[name] ??= {})[labels[label] ?? ''] = value
  return found
}

describe('metrics of schedules', () => {
  it('tell when each last ran and went well, and how often; of one that never ran no time', () => {
    expect(read(scheduleFamilies(schedules, [row]), 'schedule')).toEqual({
      edgelog_schedule_last_run_timestamp_seconds: { sweep: 1_700_000_000.5 },
      edgelog_schedule_last_duration_seconds: { sweep: 1.25 },
      edgelog_schedule_last_success_timestamp_seconds: { sweep: 1_699_999_999 },
      edgelog_schedule_runs_total: { sweep: 9, new: 0 },
      edgelog_schedule_failures_total: { sweep: 2, new: 0 },
      edgelog_schedule_skips_total: { sweep: 3, new: 0 },
    })
  })

  it('leave out schedules that are no more, and never say why one failed', () => {
    const text = renderMetrics(scheduleFamilies(schedules.slice(1), [row]))
    expect(text).not.toContain('sweep')
    expect(renderMetrics(scheduleFamilies(schedules, [row]))).not.toContain('paper')
  })
})

describe('metrics of queues', () => {
  it('tell what waits and what was given up; of a queue that does not answer nothing', () => {
    const backlogs = {
      'email-jobs': { backlogCount: 2, backlogBytes: 300 },
      'alert-jobs': null,
      'notify-jobs': { backlogCount: 1, backlogBytes: 150 },
      'task-jobs': { backlogCount: 0, backlogBytes: 0 },
    }
    expect(read(queueFamilies(backlogs, { 'alert-jobs': 4 }), 'queue')).toEqual({
      edgelog_queue_backlog_messages: { 'email-jobs': 2, 'notify-jobs': 1, 'task-jobs': 0 },
      edgelog_queue_backlog_bytes: { 'email-jobs': 300, 'notify-jobs': 150, 'task-jobs': 0 },
      edgelog_dead_jobs: { 'email-jobs': 0, 'alert-jobs': 4, 'notify-jobs': 0, 'task-jobs': 0 },
    })
  })
})
