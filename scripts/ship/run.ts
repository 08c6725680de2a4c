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
    const input = await open(file, options, tally, signal)
    if (!input) return
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

/** Undefined, and told in the tally, when it cannot be read: the other files are still sent. */
async function open(file: string, { follow }: ShipOptions, tally: Tally, signal: AbortSignal): Promise<Input | undefined> {
  try {
    return await (follow && file !== '-' ? followInput(file, signal) : openInput(file))
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    tally.failed(error.message)
    return undefined
  }
}

interface Pipeline {
  options: ShipOptions
  tally: Tally
  signal: AbortSignal
  submit: (batch: Batch) => Promise<void>
}

async function shipInput(input: Input, file: string, pipeline: Pipeline): Promise<void> {
  const { options, tally, submit } = pipeline
  const splitter = createLineSplitter()
  const joiner = createLineJoiner(options.multiline)
  const batcher = createBatcher(options.batchLines, submit)
  const source = options.source ?? sourceOfFile(file)
  const add = async (joined: JoinedLine | undefined): Promise<void> => {
    if (!joined) return
    tally.counts.records += 1
    await batcher.add(recordJson(joined.text, { source, sourceGiven: options.source !== undefined, nowMs: Date.now() }), joined.line)
  }
  const addLines = async (lines: string[]): Promise<void> => {
    for (const line of lines) await add(joiner.push(line))
    tally.counts.lines += lines.length
  }
  for await (const chunk of withIdle(input, file, pipeline)) {
    if (chunk === 'idle') await add(joiner.end())
    else await addLines(splitter.push(chunk))
    if (chunk === 'idle' || batcher.ageMs() > lingerMs) await batcher.flush()
    tally.draw()
  }
  await addLines(splitter.end())
  await add(joiner.end())
  await batcher.flush()
}

/** The chunks of an input, and 'idle' each time that it is silent for a while. Ends when `signal` aborts, or the input fails. */
async function* withIdle(input: Input, file: string, { tally, signal }: Pipeline): AsyncGenerator<Uint8Array | 'idle'> {
  const iterator = input.chunks[Symbol.asyncIterator]()
  let arrived: IteratorResult<Uint8Array> | { error: unknown } | undefined
  let wake = (): void => undefined
  // One reaction for each chunk, not one for each wait: a silent input may be waited on for months.
  const request = (): void => {
    arrived = undefined
    const settle = (outcome: IteratorResult<Uint8Array> | { error: unknown }) => {
      arrived = outcome
      wake()
    }
    iterator.next().then(settle, (error: unknown) => settle({ error }))
  }
  const stop = () => wake()
  signal.addEventListener('abort', stop)
  try {
    request()
    while (!signal.aborted) {
      const outcome = arrived ?? (await untilWoken((resolve) => (wake = resolve)).then(() => arrived))
      if (signal.aborted) return
      if (outcome === undefined) yield 'idle'
      else if ('error' in outcome) {
        tally.failed(`${file} cannot be read to its end: ${outcome.error instanceof Error ? outcome.error.message : String(outcome.error)}`)
        return
      } else if (outcome.done === true) return
      else {
        request()
        yield outcome.value
      }
    }
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Resolves when `resolve` is called, or after `lingerMs`. */
function untilWoken(arm: (resolve: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, lingerMs)
    arm(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

async function deliver(
  batch: Batch,
  { file, key }: { file: string; key: string },
  options: ShipOptions,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  const { url, key: apiKey, compress } = options
  const patienceMs = options.retryForMs ?? (tally.counts.batches === 0 ? firstRetryForMs : retryForMs)
  const onRetry = (reason: string, waitMs: number) => {
    tally.retrying(reason, waitMs)
    tally.draw()
  }
  const result = await sendBatch(batch.body, batch.lines.length, key, {
    url,
    key: apiKey,
    compress,
    retryForMs: patienceMs,
    onRetry,
    signal,
  })
  tally.answered(result, batch, file)
  tally.draw()
}

function printBatch(batch: Batch, tally: Tally): void {
  process.stdout.write(batch.body)
  tally.counts.accepted += batch.lines.length
}
