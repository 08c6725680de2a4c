import type { LogSettings } from '../core/settings.ts'
import { organizations } from './schema.ts'

/** The columns of an organization that `logSettingsOf` reads; for the queries that authenticate, so that they cost no further one. */
export const logSettingsColumns = {
  retentionDays: organizations.retentionDays,
  rowsPerMinute: organizations.quotaRowsPerMinute,
  bytesPerMinute: organizations.quotaBytesPerMinute,
  rowsPerMonth: organizations.quotaRowsPerMonth,
  bytesPerMonth: organizations.quotaBytesPerMonth,
  version: organizations.settingsVersion,
}

type Columns = { [K in keyof typeof logSettingsColumns]: number | null }

export function logSettingsOf({ retentionDays, version, ...quota }: Columns): LogSettings {
  return { retentionDays, quota, version: version ?? 0 }
}
