import { randomUUID } from 'node:crypto'
import { CommandError } from '../dev/terminal.ts'
import { createBatcher } from './batch.ts'
import type { Batch } from './batch.ts'
import { followInput, openInput } from './input.ts'
import type { Input } from './input.ts'
import { createLineJoiner } from './join_lines.ts'
import type { JoinedLine } from './join_lines.ts'
import { createLineSplitter } from './lines.ts'
import { sourceOfFile } from './options.ts'
import type { ShipOptions } from './options.ts'
import { recordJson } from './record.ts'
import { sendBatch } from './send.ts'
import { createSendQueue } from './send_queue.ts'
import type { Tally } from './tally.ts'

/** A live input that says nothing for this long has ended its last record; and no record waits longer to be sent. */
const lingerMs = 1_000

/** A server that took a batch is restarted within this time; one that never answered is more likely a wrong address. */
const retryForMs = 300_000
const firstRetryForMs = 20_000

/** Sends (or prints) everything the options name; counts go into `tally`. Ends early, in order, when `signal` aborts. */
export async function ship(options: ShipOptions, tally: Tally, signal: AbortSignal): Promise<void> {
  const run = randomUUID()
  const queue = createSendQueue(options.concurrency)
  const one = async (file: string, number: number): Promise<void> => {
    const input = await (options.follow && file !== '-' ? followInput(file, signal) : openInput(file))
    tally.open(input)
    const submit = options.dryRun
      ? async (batch: Batch) => printBatch(batch, tally)
      : (batch: Batch) =>
          queue.submit(() => deliver(batch, { file, key: `ship-${run}-${number}-${batch.sequence}` }, options, tally, signal))
    await shipInput(input, file, { options, tally, signal, submit })
  }
  // Followed files never end, so they are read side by side; others one after the other.
  if (options.follow) await Promise.all(options.files.map(one))
  else for (const [number, file] of options.files.entries()) if (!signal.aborted) await one(file, number)
  await queue.drain()
}

interface Pipeline {
  options: ShipOptions
  tally: Tally
  signal: AbortSignal
  submit: (batch: Batch) => Promise<void>
}

async function shipInput(input: Input, file: string, { options, tally, signal, submit }: Pipeline): Promise<void> {
  const splitter = createLineSplitter()
  const joiner = createLineJoiner(options.multiline)
  const batcher = createBatcher(options.batchLines, submit)
  const source = options.source ?? sourceOfFile(file)
  const add = async (joined: JoinedLine | undefined): Promise<void> => {
    if (!joined) return
    tally.records += 1
    await batcher.add(recordJson(joined.text, { source, sourceGiven: options.source !== undefined, nowMs: Date.now() }), joined.line)
  }
  const addLines = async (lines: string[]): Promise<void> => {
    for (const line of lines) await add(joiner.push(line))
    tally.lines += lines.length
  }
  for await (const chunk of withIdle(input, file, signal)) {
    if (chunk === 'idle') await add(joiner.end())
    else await addLines(splitter.push(chunk))
    if (chunk === 'idle' || batcher.ageMs() > lingerMs) await batcher.flush()
    tally.draw()
  }
  await addLines(splitter.end())
  await add(joiner.end())
  await batcher.flush()
}

/** The chunks of an input, and 'idle' each time that it is silent for a while. Ends when `signal` aborts. */
async function* withIdle(input: Input, file: string, signal: AbortSignal): AsyncGenerator<Uint8Array | 'idle'> {
  const iterator = input.chunks[Symbol.asyncIterator]()
  const aborted = new Promise<'aborted'>((resolve) => {
    signal.addEventListener('abort', () => resolve('aborted'), { once: true })
  })
  try {
    let next = iterator.next()
    while (!signal.aborted) {
      let timer: NodeJS.Timeout | undefined
      const idle = new Promise<'idle'>((resolve) => {
        timer = setTimeout(() => resolve('idle'), lingerMs)
      })
      const event = await Promise.race([next, idle, aborted])
      clearTimeout(timer)
      if (event === 'aborted') return
      if (event === 'idle') yield 'idle'
      else if (event.done === true) return
      else {
        yield event.value
        next = iterator.next()
      }
    }
  } catch (error) {
    throw new CommandError(
      `${file} cannot be read to its end: ${error instanceof Error ? error.message : String(error)}`,
      'What was read before was sent.',
    )
  }
}

async function deliver(
  batch: Batch,
  { file, key }: { file: string; key: string },
  options: ShipOptions,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  const { url, key: apiKey, compress } = options
  const patienceMs = options.retryForMs ?? (tally.batches === 0 ? firstRetryForMs : retryForMs)
  const onRetry = (reason: string, waitMs: number) => tally.retrying(reason, waitMs)
  const result = await sendBatch(batch.body, batch.lines.length, key, {
    url,
    key: apiKey,
    compress,
    retryForMs: patienceMs,
    onRetry,
    signal,
  })
  tally.answered(result, batch, file)
}

function printBatch(batch: Batch, tally: Tally): void {
  process.stdout.write(batch.body)
  tally.accepted += batch.lines.length
}
