import * as z from 'zod'
import { retentionDaysMax } from '../../core/limits.ts'

const days = z.int().min(1, 'must be at least 1').max(retentionDaysMax, `must be at most ${retentionDaysMax}`).nullable()

export const retentionSchema = z.object({
  days: days.describe('Days that a log is kept after its receipt; null keeps all.'),
})

export const setRetentionSchema = z.strictObject({ days })
