import type { LogSettings } from '../../src/core/settings.ts'
import type { BatchUsage } from '../../src/core/usage.ts'
import type { ShardIdentity } from '../../src/objects/log-shard/protocol.ts'
import type { AppendSettings } from '../../src/objects/log-shard/control/protocol_control.ts'

/** Usage of a batch all of whose rows are stored, each of `bytesPerRow` bytes and of one source. */
export function usageOfRows(rows: number, bytesPerRow = 100, source = 'api'): BatchUsage {
  const volume = { rows, bytes: rows * bytesPerRow }
  return { received: { ...volume }, stored: { ...volume }, rejected: {}, sources: rows === 0 ? [] : [{ source, ...volume }] }
}

/** An organization of this one shard, without limits, that keeps its logs for ever. */
export function freeSettings(identity: ShardIdentity): AppendSettings {
  return { quota: null, retentionDays: null, version: 0, ledger: identity, shards: 1 }
}

/** What an organization that nobody changed would have, but for the retention: it keeps all. */
export const plainLogSettings: LogSettings = {
  retentionDays: null,
  quota: { rowsPerMinute: null, bytesPerMinute: null, rowsPerMonth: null, bytesPerMonth: null },
  version: 0,
}
