import { blockName, BlockError } from '../block/block_error.ts'
import type { Block } from '../block/types.ts'
import type { Filter } from './ast.ts'
import { metaMayMatch } from './block_filter.ts'
import type { BlockList } from './block_list.ts'
import type { Meter } from './cost.ts'
import { createMeter } from './cost.ts'
import { createFold } from './fold.ts'
import { startAggregate } from './operations.ts'
import type { AggregateOperation, BlockSource, Damage, ResultOf, Scanned, Scope } from './types.ts'

/** An aggregating operation over blocks at hand. Damaged blocks are left out and named. */
export function aggregateBlocks<O extends AggregateOperation>(
  sources: BlockList,
  filter: Filter,
  scope: Scope,
  operation: O,
): Scanned<ResultOf<O>> {
  const aggregate = startAggregate(operation)
  const meter = createMeter(filter, scope.budgetBytes, aggregate.worked)
  const fold = createFold(aggregate, filter)
  const damaged: Damage[] = []
  let budgetEnded = false
  for (const source of sources) {
    meter.consider(1, source.meta.bytes)
    if (budgetEnded || !mayContribute(source, filter, scope) || fold.addWhole(source, scope)) continue
    if (meter.isSpent()) budgetEnded = true
    else skipDamage(damaged, meter, source, (block) => fold.addBlock(block, scope, source.hidden))
  }
  return { result: aggregate.result(), budgetEnded, cost: meter.cost(fold.rowsMatched()), damaged }
}

/** Opens a block to look at it; when it turns out damaged it is named and counts as not there. */
export function skipDamage(damaged: Damage[], meter: Meter, source: BlockSource, work: (block: Block) => void): void {
  const close = meter.open()
  let block: Block | undefined
  try {
    block = source.open(meter.read)
    work(block)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    damaged.push({ segment: blockName(source.meta.firstSeq), reason: error.message })
  } finally {
    block?.release()
    close()
  }
}

/** False when the metadata rules out that any row of the block is counted. */
function mayContribute({ meta }: BlockSource, filter: Filter, { range, maxSeq }: Scope): boolean {
  return meta.maxMs >= range.fromMs && meta.minMs < range.toMs && meta.firstSeq <= maxSeq && metaMayMatch(filter, meta)
}
