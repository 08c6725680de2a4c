import { tailTicketsForgottenMax, tailTicketTtlMs } from '../../core/limits.ts'
import type { Retention } from '../../core/settings.ts'
import type { ShardIdentity } from '../log-shard/protocol.ts'

type SqlValue = string | number | null | ArrayBuffer

/** Runs one statement and gives its rows. */
export type RunSql = (query: string, ...bindings: SqlValue[]) => Record<string, SqlValue>[]

/**
 * What LiveTail keeps on disk: used tickets until they expire, ended rights as long as a ticket may be older, the shards it has
 * heard of, and how long the organization keeps its logs.
 */
export function createTailStore(run: RunSql) {
  run(`CREATE TABLE IF NOT EXISTS used_tickets (expires_ms INTEGER, id TEXT, PRIMARY KEY (expires_ms, id)) WITHOUT ROWID`)
  run(`CREATE TABLE IF NOT EXISTS ended_rights (holder TEXT PRIMARY KEY, ended_ms INTEGER NOT NULL) WITHOUT ROWID`)
  run(`CREATE TABLE IF NOT EXISTS shards (number INTEGER PRIMARY KEY, organization_id TEXT NOT NULL, region TEXT NOT NULL)`)
  run(`CREATE TABLE IF NOT EXISTS retention (id INTEGER PRIMARY KEY CHECK (id = 1), days INTEGER, version INTEGER NOT NULL)`)

  return {
    /** False when the ticket was used before, or is too old to tell. Forgets a bounded number of expired ones. */
    useTicket(id: string, expiresMs: number, nowMs: number): boolean {
      if (expiresMs <= nowMs) return false
      run(
        `DELETE FROM used_tickets WHERE (expires_ms, id) IN (SELECT expires_ms, id FROM used_tickets WHERE expires_ms <= ? LIMIT ?)`,
        nowMs,
        tailTicketsForgottenMax,
      )
      return run(`INSERT INTO used_tickets (expires_ms, id) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id`, expiresMs, id).length === 1
    },

    /** Remembers for the life of a ticket that the right of a holder (`kind:id`) ended. */
    endRight(holder: string, endedMs: number): void {
      run(`DELETE FROM ended_rights WHERE ended_ms <= ?`, endedMs - tailTicketTtlMs)
      run(
        `INSERT INTO ended_rights (holder, ended_ms) VALUES (?, ?) ON CONFLICT DO UPDATE SET ended_ms = max(ended_ms, excluded.ended_ms)`,
        holder,
        endedMs,
      )
    },

    /** Whether the right ended after a ticket was made with it; a person may have come back since with another. */
    rightEndedSince(holder: string, issuedMs: number): boolean {
      return run(`SELECT 1 FROM ended_rights WHERE holder = ? AND ended_ms >= ?`, holder, issuedMs).length > 0
    },

    loadShards(): ShardIdentity[] {
      return run(`SELECT number, organization_id, region FROM shards`).map((row) => ({
        organizationId: row['organization_id'] as string,
        region: row['region'] as string,
        shard: row['number'] as number,
      }))
    },

    saveShard({ organizationId, region, shard }: ShardIdentity): void {
      run(`INSERT INTO shards (number, organization_id, region) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, shard, organizationId, region)
    },

    loadRetention(): Retention | undefined {
      const [row] = run(`SELECT days, version FROM retention`)
      return row && { retentionDays: row['days'] as number | null, version: row['version'] as number }
    },

    saveRetention({ retentionDays, version }: Retention): void {
      run(`INSERT OR REPLACE INTO retention (id, days, version) VALUES (1, ?, ?)`, retentionDays, version)
    },
  }
}
