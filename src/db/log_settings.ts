import type { LogSettings } from '../core/settings.ts'
import { organizations } from './schema.ts'

/** The columns of an organization that `logSettingsOf` reads; for the queries that authenticate, so that they cost no further one. */
export const logSettingsColumns = {
  // First, as drizzle takes a joined row whose first column is null for one that is not there.
  version: organizations.settingsVersion,
  retentionDays: organizations.retentionDays,
  rowsPerMinute: organizations.quotaRowsPerMinute,
  bytesPerMinute: organizations.quotaBytesPerMinute,
  rowsPerMonth: organizations.quotaRowsPerMonth,
  bytesPerMonth: organizations.quotaBytesPerMonth,
}

type Columns = { [K in keyof typeof logSettingsColumns]: number | null }

/** The settings in those columns; nulls where the organization says nothing, version 0 where it never did. */
export function logSettingsOf({ retentionDays, version, ...quota }: Columns): LogSettings {
  return { retentionDays, quota, version: version ?? 0 }
}
