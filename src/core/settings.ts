import { dayMs } from './calendar.ts'

/** Greatest amounts that an organization may store; null is no limit. A month is a calendar month in UTC. */
export interface Quota {
  readonly rowsPerMinute: number | null
  readonly bytesPerMinute: number | null
  readonly rowsPerMonth: number | null
  readonly bytesPerMonth: number | null
}

/** What an organization set, or an operator set for it, about its logs; comes with its authentication. */
export interface LogSettings {
  /** Days that a log is kept after its receipt; null keeps all. */
  readonly retentionDays: number | null
  /** Null where the deployment's default holds. */
  readonly quota: Quota
  /** Grows with each change, so that of two copies the newer one is known. */
  readonly version: number
}

/** The part of them that says how long logs are kept. */
export type Retention = Pick<LogSettings, 'retentionDays' | 'version'>

/** Logs that were received before this moment are not shown any more; 0 when all are kept. */
export function keepFromMs({ retentionDays }: Pick<LogSettings, 'retentionDays'>, nowMs: number): number {
  return retentionDays === null ? 0 : Math.max(0, nowMs - retentionDays * dayMs)
}
