import { sealAgeSecondsDefault, sealBytesDefault, shardAppendsPerSecondMax, shardBytesPerSecondMax } from '../../core/limits.ts'
import type { MeterBinding } from '../../core/object_costs.ts'
import type { LiveTail } from '../live-tail/object.ts'
import type { SealLimits } from './upkeep/job.ts'
import type { LogShard } from './object.ts'
import type { IngestLimits } from './control/rate.ts'

/** The bindings and vars that a shard uses; configSchema of src/config.ts checks the vars at the door. */
export interface LogShardEnv {
  STORAGE: R2Bucket
  LIVE_TAIL: DurableObjectNamespace<LiveTail>
  LOG_SHARD: DurableObjectNamespace<LogShard>
  METER: MeterBinding
  SEAL_BYTES?: string
  SEAL_AGE_SECONDS?: string
  SHARD_APPENDS_PER_SECOND_MAX?: string
  SHARD_BYTES_PER_SECOND_MAX?: string
}

/** The limits that a deployment may set, with the defaults of src/core/limits.ts. */
export function limitsOf(env: LogShardEnv): SealLimits & IngestLimits {
  return {
    sealBytes: Number(env.SEAL_BYTES ?? sealBytesDefault),
    sealAgeMs: Number(env.SEAL_AGE_SECONDS ?? sealAgeSecondsDefault) * 1000,
    appendsPerSecondMax: Number(env.SHARD_APPENDS_PER_SECOND_MAX ?? shardAppendsPerSecondMax),
    bytesPerSecondMax: Number(env.SHARD_BYTES_PER_SECOND_MAX ?? shardBytesPerSecondMax),
  }
}
