import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import type { Region } from '../../src/config.ts'
import { shardsForIngest } from '../../src/db/log_shards.ts'
import { shardName } from '../../src/core/ids.ts'
import type { EncodableRow } from '../../src/engine/row.ts'
import type { LogJson } from '../../src/engine/log_json.ts'
import { encodeRows } from '../support/rows.ts'
import type { LogShard } from '../../src/objects/log-shard/object.ts'
import { freeSettings, usageOfRows } from '../support/usage.ts'
import type { World } from '../support/world.ts'
import { testCtx } from '../support/world.ts'

/** Stores rows as the ingest path does: shard registered in D1, batch appended by RPC. Answers the first seq. */
export async function storeRows(
  world: Pick<World, 'organizationId'>,
  rows: readonly EncodableRow[],
  region: Region = 'weur',
): Promise<number> {
  const stub = await shardStub(world, region)
  const { identity, rpc } = stub
  const usage = usageOfRows(rows.length)
  const reply = await rpc.append({ identity, blocks: encodeRows(rows), usage, settings: freeSettings(identity) })
  if (reply.status !== 'stored') throw new Error(`the shard answered ${reply.status}`)
  return reply.firstSeq
}

export async function shardStub({ organizationId }: Pick<World, 'organizationId'>, region: Region = 'weur') {
  const row = (await shardsForIngest(testCtx(), organizationId, region)).find((shard) => shard.region === region)
  const identity = { organizationId, region, shard: row?.number ?? 0 }
  return { identity, rpc: env.LOG_SHARD.getByName(shardName(identity)) }
}

/** Stores rows in one region that stay hot, and others in another that are sealed into segments at once. */
export async function storeHotAndSealed(world: World, hot: readonly EncodableRow[], sealed: readonly EncodableRow[]): Promise<World> {
  await storeRows(world, hot)
  await storeRows(world, sealed, 'enam')
  const { rpc, identity } = await shardStub(world, 'enam')
  await rpc.sealNow(identity)
  return world
}

/** Flips one bit in the body of a stored block, and makes the object read it anew. */
export async function damageBlock(stub: DurableObjectStub<LogShard>, firstSeq: number): Promise<void> {
  await runInDurableObject(stub, (_, state) => {
    const { sql } = state.storage
    const tables = sql.exec<{ name: string }>(`SELECT name FROM sqlite_schema WHERE name GLOB 'blocks_[0-9]*'`).toArray()
    for (const { name } of tables) {
      for (const { body } of sql.exec<{ body: ArrayBuffer }>(`SELECT body FROM ${name} WHERE first_seq = ?`, firstSeq).toArray()) {
        const bytes = new Uint8Array(body)
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
        sql.exec(`UPDATE ${name} SET body = ? WHERE first_seq = ?`, bytes, firstSeq)
      }
    }
  })
  await evictDurableObject(stub)
}

export interface SearchBody {
  results: LogJson[]
  next: string | null
  partial: boolean
  stats: Record<string, number>
}

/** The body of a 200, or an error that shows what came instead. */
export async function bodyOf<T>(response: Response): Promise<T> {
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  return response.json<T>()
}

/** GET with query parameters, as the owner. */
export async function read<T>(world: World, path: string, query: Record<string, string | number> = {}): Promise<T> {
  return bodyOf<T>(await readRaw(world, path, query))
}

export function readRaw(world: World, path: string, query: Record<string, string | number> = {}): Promise<Response> {
  const params = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
  return world.call(`/api/v1/logs${path}?${params.toString()}`, { as: world.owner.accessToken })
}
