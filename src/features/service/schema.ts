import * as z from 'zod'

export const checkNames = ['database', 'kv', 'storage', 'segments', 'log_shard', 'queues'] as const
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

export const detailedHealthSchema = z
  .object({ ...healthSchema.shape, environment: z.string(), region: z.string(), time: z.iso.datetime() })
  .meta({ id: 'DetailedHealth' })
