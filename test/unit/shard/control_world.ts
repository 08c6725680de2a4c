import type { Quota } from '../../../src/core/settings.ts'
import type { BatchUsage } from '../../../src/core/usage.ts'
import { createShardControl } from '../../../src/objects/log-shard/control/control.ts'
import type { ShardControl } from '../../../src/objects/log-shard/control/control.ts'
import { migrate } from '../../../src/objects/log-shard/migrations.ts'
import type { AppendReply, AppendRequest, ShardIdentity } from '../../../src/objects/log-shard/protocol.ts'
import type { LeaseReply, LeaseRequest } from '../../../src/objects/log-shard/control/protocol_control.ts'
import { nodeSql } from './node_sql.ts'

export const noLimit: Quota = { rowsPerMinute: null, bytesPerMinute: null, rowsPerMonth: null, bytesPerMonth: null }

/** A batch's row in the shard's SQLite, as far as usage is concerned. */
interface StoredBatch {
  firstSeq: number
  createdMs: number
  usage: BatchUsage
}

/** The control side of one shard whose object can be lost and read back; its blocks are a list. */
export interface ControlledShard {
  identity: ShardIdentity
  control: ShardControl
  batches: StoredBatch[]
  append(usage: BatchUsage, quota: Quota | null, shards?: number): AppendReply | Promise<AppendReply>
  /** Writes the days and forgets the older half of the blocks, as a seal does that left the newer ones hot. */
  seal(): void
  /** Loses the memory. */
  evict(): void
}

/** Shards of one organization with one clock; the first is the ledger. `between` runs while a call to the ledger is under way. */
export function controlWorld(count: number, clock: { nowMs: number }, between: () => Promise<void> = async () => {}) {
  const shards: ControlledShard[] = []
  let leases = 0
  const askLedger = async (ledger: ShardIdentity, request: LeaseRequest): Promise<LeaseReply> => {
    leases += 1
    await between()
    const reply = shards[ledger.shard]!.control.quota.grant(request, clock.nowMs)
    await between()
    return reply
  }
  for (let shard = 0; shard < count; shard++) shards.push(controlledShard(shard, clock, askLedger))
  return { shards, leases: () => leases }
}

function controlledShard(
  shard: number,
  clock: { nowMs: number },
  askLedger: (ledger: ShardIdentity, request: LeaseRequest) => Promise<LeaseReply>,
): ControlledShard {
  const sql = nodeSql()
  migrate(sql)
  const identity = { organizationId: 'org', region: 'weur', shard }
  const limits = { appendsPerSecondMax: 1e9, bytesPerSecondMax: 1e9 }
  const open = () => createShardControl({ sql, limits, askLedger, wait: () => new Promise(() => {}), counted: () => undefined })
  let lastSeq = 0
  const self: ControlledShard = {
    identity,
    control: open(),
    batches: [],
    append(usage, quota, shards = 1) {
      const ledger = { ...identity, shard: 0 }
      const request: AppendRequest = { identity, blocks: [], usage, settings: { quota, retentionDays: null, version: 0, ledger, shards } }
      const { control } = self
      return control.append(
        request,
        () => clock.nowMs,
        () => {
          const refusal = control.refusalOf(request, clock.nowMs)
          if (refusal !== undefined) return refusal
          const firstSeq = lastSeq + 1
          lastSeq += usage.stored.rows
          self.batches.push({ firstSeq, createdMs: clock.nowMs, usage: structuredClone(usage) })
          const busy = control.stored(request, firstSeq, 1, clock.nowMs)
          return { status: 'stored', firstSeq, accepted: usage.stored.rows, rejected: 0, busy }
        },
      )
    },
    seal() {
      const afterwards = sql.transaction(() => self.control.usage.save(lastSeq))
      afterwards()
      self.batches.splice(0, Math.ceil(self.batches.length / 2))
    },
    evict() {
      self.control = open()
      for (const { usage, firstSeq, createdMs } of self.batches) self.control.usage.countStored(usage, firstSeq, createdMs)
    },
  }
  return self
}
