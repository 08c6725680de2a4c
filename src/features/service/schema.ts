import * as z from 'zod'
import { timestampSchema } from '../../core/primitives.ts'

export const checkNames = ['database', 'kv', 'storage', 'segments', 'log_shard', 'queues', 'schedules'] as const
export type CheckName = (typeof checkNames)[number]

const checkSchema = z.object({ status: z.enum(['ok', 'down']), latency_ms: z.number() })
export type Check = z.infer<typeof checkSchema>

/** `degraded`: something that ingest and search can do without is down. */
const statusSchema = z.enum(['ok', 'degraded', 'unavailable'])

export interface Health {
  status: z.infer<typeof statusSchema>
  checks: Partial<Record<CheckName, Check>>
}

export const rootSchema = z
  .object({ name: z.string(), version: z.string(), links: z.record(z.string(), z.string()) })
  .meta({ id: 'Service' })

export const liveSchema = z.object({ status: z.literal('ok'), version: z.string() }).meta({ id: 'Live' })

export const healthSchema = z
  .object({ status: statusSchema, version: z.string(), checks: z.partialRecord(z.enum(checkNames), checkSchema) })
  .meta({ id: 'Health' })

const scheduleStateSchema = z
  .object({
    name: z.string(),
    cron: z.string().describe('When it runs, in UTC.'),
    status: z.enum(['never', 'running', 'ok', 'failed']).describe('How its last run ended; `never`: there was none here yet.'),
    late: z.boolean().describe('It has not succeeded for three of its intervals.'),
    started_at: timestampSchema.nullable(),
    ended_at: timestampSchema.nullable(),
    duration_ms: z.int().nullable().describe('Of the last run that ended.'),
    succeeded_at: timestampSchema.nullable(),
    runs: z.int(),
    failures: z.int(),
    skips: z.int().describe('Times at which its turn passed, since the run before had not ended.'),
  })
  .meta({ id: 'ScheduleState' })
export type ScheduleState = z.infer<typeof scheduleStateSchema>

export const detailedHealthSchema = z
  .object({
    ...healthSchema.shape,
    schedules: z.array(scheduleStateSchema).nullable().describe('null where the database does not answer.'),
    environment: z.string(),
    region: z.string(),
    time: z.iso.datetime(),
  })
  .meta({ id: 'DetailedHealth' })
