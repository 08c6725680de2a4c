import { randomUUID } from 'node:crypto'
import type { Connection } from '../dev/settings.ts'
import { createBatcher } from '../ship/batch.ts'
import type { Batch } from '../ship/batch.ts'
import { sendBatch } from '../ship/send.ts'
import { demoLogs } from './demo_logs.ts'

const batchRecords = 2_000
const retryForMs = 60_000

/** Sends demo logs through the HTTP interface as any producer does; answers how many were accepted. */
export async function sendDemoLogs(
  { url, apiKey }: Connection,
  count: number,
  ending: AbortSignal,
  progress: (sent: number) => void = () => undefined,
): Promise<number> {
  const run = randomUUID()
  let accepted = 0
  const batcher = createBatcher(batchRecords, async ({ body, lines, sequence }: Batch) => {
    ending.throwIfAborted()
    const options = { url, key: apiKey, compress: 'zstd', retryForMs, onRetry: () => undefined, signal: ending } as const
    const result = await sendBatch(body, lines.length, `seed-${run}-${sequence}`, options)
    accepted += result.accepted
    const [error] = result.errors
    if (error) throw new Error(`the server rejected a demo log: ${error.reason}`)
    progress(accepted)
  })
  let line = 0
  for (const log of demoLogs(count, Date.now())) await batcher.add(JSON.stringify(log), (line += 1))
  await batcher.flush()
  return accepted
}
