import type { ShardCore } from '../../src/objects/log-shard/core.ts'
import type { ChangeReply, DeleteReply, LogShardRpc } from '../../src/objects/log-shard/protocol.ts'
import type { Shard } from '../../src/search/shards.ts'
import { isErased } from './erasures.ts'
import type { OracleRows } from './oracle.ts'
import { holds, same } from './oracle.ts'
import type { ShardHost } from './shard_host.ts'
import type { Organization, SimWorld } from './world.ts'

/** One request of the Worker: the organization's shards as the coordinator sees them, and what the oracle had at each answer. */
export interface Session {
  organizationId: string
  shards: Shard[]
  /** The rows that each shard held when it last answered a query or was asked for a row. */
  seen: Map<number, OracleRows>
}

/** Opens what `shardsOf` would give; each call is measured against the oracle at the moment when it becomes durable. */
export function openSession(world: SimWorld, organization: Organization): Session {
  const seen = new Map<number, OracleRows>()
  const shards = organization.shards.map((host) => ({ identity: host.identity, rpc: rpcOf(world, organization, host, seen) }))
  return { organizationId: organization.id, shards, seen }
}

function rpcOf(world: SimWorld, organization: Organization, host: ShardHost, seen: Session['seen']): LogShardRpc {
  const look = (): void => void seen.set(host.identity.shard, host.oracle.snapshot())
  const plain =
    <K extends keyof LogShardRpc>(method: K) =>
    (...args: Parameters<LogShardRpc[K]>): ReturnType<LogShardRpc[K]> =>
      host.call(method, (core) => invoke(core, method, args), nothing) as ReturnType<LogShardRpc[K]>
  return {
    append: (request) => host.call('append', (core) => core.append(request), nothing),
    query(call) {
      // What the budget of one call leaves undone is done by the next.
      const budgetBytes =
        call.operation.kind === 'search' ? world.random().pick([1, 20_000, call.budgetBytes, call.budgetBytes]) : call.budgetBytes
      return host.call(`a query for "${call.q}"`, (core) => core.query({ ...call, budgetBytes }), look)
    },
    extent: plain('extent'),
    getRow: (...args) => host.call('getRow', (core) => core.getRow(...args), look),
    watch: plain('watch'),
    blocksAfter: plain('blocksAfter'),
    manifest: plain('manifest'),
    segments: plain('segments'),
    eraseProgress: plain('eraseProgress'),
    applyRetention: plain('applyRetention'),
    sealNow: plain('sealNow'),
    ping: plain('ping'),
    usage: plain('usage'),
    countRefused: plain('countRefused'),
    lease: plain('lease'),
    knowsKey: plain('knowsKey'),

    changeRow: (identity, seq, change, sealed) =>
      host.call(
        `change of row ${seq}`,
        (core) => core.changeRow(identity, seq, change, sealed),
        (reply: ChangeReply) => {
          if ('status' in reply && reply.status === 'changed') {
            const old = host.oracle.get(seq)
            holds('a row that is gone is not changed', old !== null, reply)
            const { updatedMs } = reply.row
            // Behind a delete by query the shard may put an edit later than its clock says.
            const isLate = organization.erasures.some((erasure) => erasure.host === host)
            const leastMs = Math.max(world.nowMs(), old?.createdMs ?? 0)
            holds('an edit has its time', isLate ? updatedMs >= leastMs : updatedMs === leastMs, [updatedMs, leastMs])
            same(`row ${seq} as it was changed`, reply.row, host.oracle.change(seq, change, updatedMs))
          }
          checkMissing(organization, host, seq, reply)
        },
      ),

    deleteRow: (identity, seq, sealed) =>
      host.call(
        `delete of row ${seq}`,
        (core) => core.deleteRow(identity, seq, sealed),
        (reply: DeleteReply) => {
          if (reply.status === 'deleted') {
            holds('a row that is gone is not deleted', host.oracle.get(seq) !== null, reply)
            host.oracle.remove(seq)
          }
          checkMissing(organization, host, seq, reply)
        },
      ),

    startErase: (identity, request) =>
      host.call(
        `erase ${request.id} ${request.q}`,
        (core) => core.startErase(identity, request),
        (reply) => {
          const isNew = !organization.erasures.some(({ id, host: other }) => id === request.id && other === host)
          if (reply.status === 'started' && isNew) {
            if (isNew) same('the newest row of an erasure', reply.maxSeq, host.oracle.lastSeq())
            const matched = host.oracle.removeAll(isErased(request, world.nowMs()))
            world.note(`${host.name} erases ${matched} rows`)
            organization.erasures.push({ id: request.id, host, matched })
          }
        },
      ),
  }
}

function nothing(): void {
  // Only answers with rows are held against what there was.
}

function invoke<K extends keyof LogShardRpc>(
  core: ShardCore,
  method: K,
  args: Parameters<LogShardRpc[K]>,
): Awaited<ReturnType<LogShardRpc[K]>> {
  const work = core[method] as unknown as (...args: unknown[]) => Awaited<ReturnType<LogShardRpc[K]>>
  return work(...args)
}

/** A row that is still there must not be called missing; one that has expired may be. */
function checkMissing({ keepFromMs }: Organization, { oracle, name }: ShardHost, seq: number, reply: ChangeReply | DeleteReply): void {
  if (!('status' in reply) || reply.status !== 'missing') return
  const row = oracle.get(seq)
  holds(`row ${seq} of ${name} is missing`, row === null || row.createdMs < keepFromMs, row)
}
