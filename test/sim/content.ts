import { createBlockBuilder } from '../../src/engine/block/writer.ts'
import type { EncodedBlock } from '../../src/engine/block/types.ts'
import type { TimeRange } from '../../src/engine/query/types.ts'
import type { AttributeValue } from '../../src/engine/row.ts'
import { encodable } from '../../src/objects/log-shard/patches.ts'
import type { Content } from './oracle.ts'
import type { Random } from './random.ts'

const words = ['alpha', 'beta', 'gamma', 'delta', 'timeout', 'Connection', 'RESET'] as const
export const sources = ['api', 'web', 'worker'] as const
const dayMs = 86_400_000
const timestampEndMs = 1e13

export const everything: TimeRange = { fromMs: 0, toMs: timestampEndMs }

/** Rows of one batch: mostly of now, some batches all in one millisecond, some rows from years ago or ahead. */
export function randomContents(random: Random, nowMs: number, isGiant: boolean): Content[] {
  const count = 1 + random.below(random.pick(isGiant ? [3, 20, 120] : [3, 3, 20]))
  const isOneMoment = random.chance(0.15)
  const spreadMs = random.pick([10, 60_000, 60_000, dayMs, 5 * dayMs])
  return Array.from({ length: count }, () => {
    const content = randomContent(random, nowMs, spreadMs)
    return isOneMoment ? { ...content, timestampMs: nowMs, timestampNs: 0 } : content
  })
}

export function randomContent(random: Random, nowMs: number, spreadMs: number): Content {
  const attributes: Record<string, AttributeValue> = {}
  if (random.chance(0.6)) attributes['status'] = random.pick([200, 404, 500])
  if (random.chance(0.3)) attributes['note'] = text(random, 2)
  if (random.chance(0.2)) attributes['id'] = `id${random.below(40)}`
  if (random.chance(0.1)) attributes['big'] = 2n ** 60n + BigInt(random.below(1000))
  if (random.chance(0.1)) attributes['ok'] = random.chance(0.5)
  if (random.chance(0.05)) attributes['mixed'] = random.pick([1.5, 'alpha', true, -1])
  return {
    timestampMs: Math.max(0, timeAround(random, nowMs, spreadMs)),
    timestampNs: random.chance(0.2) ? random.below(1_000_000) : 0,
    severity: random.below(6),
    source: random.pick(sources),
    message: random.chance(0.01) ? text(random, 2000) : text(random, 1 + random.below(4)),
    attributes,
  }
}

function timeAround(random: Random, nowMs: number, spreadMs: number): number {
  if (random.chance(0.97)) return nowMs - random.below(spreadMs)
  return random.pick([0, random.below(nowMs), nowMs + random.below(dayMs), timestampEndMs - 1])
}

function text(random: Random, length: number): string {
  return Array.from({ length }, () => random.pick(words)).join(' ')
}

/** The rows as one to three blocks, as the Worker sends them. */
export function encodeContents(random: Random, contents: readonly Content[], createdMs: number): EncodedBlock[] {
  const cuts = new Set(Array.from({ length: random.pick([0, 0, 0, 1, 2]) }, () => random.below(contents.length)))
  const blocks: EncodedBlock[] = []
  let builder = createBlockBuilder(createdMs)
  for (const [i, content] of contents.entries()) {
    if (i > 0 && cuts.has(i)) {
      blocks.push(...builder.finish())
      builder = createBlockBuilder(createdMs)
    }
    builder.add(encodable(content))
  }
  return [...blocks, ...builder.finish()]
}

/** A query of two terms at most; every kind of condition. */
export function randomQuery(random: Random): string {
  const first = randomTerm(random)
  if (first === '' || random.chance(0.6)) return first
  const second = randomTerm(random)
  if (second === '') return first
  return random.pick([`(${first}) AND (${second})`, `(${first}) OR (${second})`, `(${first}) NOT (${second})`])
}

function randomTerm(random: Random): string {
  const word = random.pick(words).toLowerCase()
  const severity = random.pick(['trace', 'debug', 'info', 'warning', 'error', 'critical'])
  const status = random.pick([200, 404, 500])
  return random.pick([
    '',
    word,
    `message:${word}`,
    `note:"${word}"`,
    `"${word} ${random.pick(words)}"`,
    `${word.slice(0, 3)}*`,
    `*${word.slice(2)}*`,
    `message:~"${word.slice(0, 3)}.*${random.pick(words).slice(0, 2)}"`,
    `source:${random.pick(sources)}`,
    `source:in(${random.pick(sources)}, ${random.pick(sources)})`,
    `severity:>=${severity}`,
    `severity:${severity}`,
    `status:>=${status}`,
    `status:[200 TO ${status}}`,
    '-status:*',
    'big:*',
    `id:=id${random.below(40)}`,
    `id${random.below(40)}`,
    'ok:true',
    'mixed:alpha',
    'updated_at:*',
  ])
}

export function randomRange(random: Random, nowMs: number): TimeRange {
  if (random.chance(0.5)) return everything
  const fromMs = nowMs - random.below(random.pick([60_000, dayMs, 6 * dayMs]))
  return { fromMs, toMs: fromMs + random.below(random.pick([60_000, dayMs, 6 * dayMs])) }
}
