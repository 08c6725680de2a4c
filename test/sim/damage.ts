import { readSegment } from '../../src/engine/segment/reader.ts'
import { noReadCost } from '../../src/engine/block/read_cost.ts'
import type { Damage } from '../../src/engine/query/types.ts'
import { holds } from './oracle.ts'
import type { SimWorld } from './world.ts'

/** An answer may call only that damaged which is. */
export function checkDamage(world: SimWorld, damaged: readonly Damage[]): void {
  for (const damage of damaged) holds('only a damaged segment is called damaged', world.objects.isDamaged(damage.segment), damage)
}

/** The rows of damaged segments, which an answer may lack, as `shard/seq`. */
export function lostRows(world: SimWorld, damaged: readonly Pick<Damage, 'segment'>[]): Set<string> {
  return new Set(damaged.flatMap(({ segment }) => seqsOf(world, segment).map((seq) => `${shardOf(segment)}/${seq}`)))
}

/** The rows of all that was ever damaged. */
export function damagedRows(world: SimWorld): Set<string> {
  const keys = world.objects.damagedKeys()
  return lostRows(
    world,
    keys.map((segment) => ({ segment })),
  )
}

function seqsOf(world: SimWorld, key: string): number[] {
  const bytes = world.objects.written(key)
  if (bytes === undefined) return []
  const file = readSegment(bytes)
  return file.index.blocks.flatMap(({ meta }, n) => {
    const block = file.open(n, noReadCost())
    return Array.from({ length: meta.rows }, (_, row) => block.seq(row))
  })
}

/** `.../<shard>-<first_seq>-<rows>-<operation>.seg` */
function shardOf(key: string): number {
  return Number(/\/(\d+)-[^/]*$/.exec(key)?.[1])
}
