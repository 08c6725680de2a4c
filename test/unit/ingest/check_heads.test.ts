import { expect, test } from 'vitest'
import { createBlockBuilder } from '../../../src/engine/block/writer.ts'
import { checkHeads } from '../../../src/ingest/ingest_logs.ts'
import { forgedHead } from '../../support/forged.ts'

test('a block whose head contradicts itself is not sent to be stored', () => {
  const builder = createBlockBuilder(1000)
  for (let i = 0; i < 6; i++) {
    builder.add({ timestampMs: 1000 + i * i * 7919, timestampNs: 0, severity: 2, source: 'api', message: 'm', names: [], values: [] })
  }
  const blocks = builder.finish()
  expect(() => checkHeads(blocks)).not.toThrow()
  const forged = blocks.map((block) => ({ ...block, head: forgedHead(block.head, block.meta, 'timestamp') }))
  expect(() => checkHeads(forged)).toThrow(expect.objectContaining({ code: 'unavailable' }))
})
