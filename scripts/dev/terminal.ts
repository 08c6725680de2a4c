import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'

/** A failure that the person at the terminal can do something about: what went wrong, and what to do next. */
export class CommandError extends Error {
  readonly next: string
  constructor(message: string, next: string) {
    super(message)
    this.name = 'CommandError'
    this.next = next
  }
}

/** Why a fetch failed. The cause says more than the "fetch failed" around it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause as { code?: unknown; message?: unknown } | undefined
  if (cause?.code === 'ECONNREFUSED') return 'nothing answers there'
  return typeof cause?.message === 'string' && cause.message !== '' ? cause.message : error.message
}

/** Exit code of a command that Ctrl-C ended: 128 and the number of SIGINT. */
export const interruptedCode = 130

/** Runs a command's main function; a failure is told in plain words and sets the exit code. */
export async function main(run: () => Promise<number | void>): Promise<void> {
  try {
    process.exitCode = (await run()) ?? 0
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') {
      process.exitCode = interruptedCode
      return
    }
    if (error instanceof CommandError) console.error(`\n${error.message}\n${error.next}`)
    else console.error(error)
    process.exitCode = 1
  }
}

const helpFlag = { help: { type: 'boolean', short: 'h' } } as const

/**
 * The flags and files of a command line, of this process unless `config.args` gives another; with --help or -h, which every
 * command knows, prints `usage` and answers undefined. Throws the CommandError of `usageError` for a flag that there is not.
 */
export function parseFlags<const T extends ParseArgsConfig>(usage: string, config: T): ReturnType<typeof parseArgs<T>> | undefined {
  try {
    const parsed = parseArgs({ ...config, options: { ...config.options, ...helpFlag } })
    if (!('help' in parsed.values)) return parsed as ReturnType<typeof parseArgs<T>>
  } catch (error) {
    // Node goes on to say how such a text would be given as a file, which is not what was meant.
    throw usageError(usage, (error instanceof Error ? error.message : String(error)).replace(/ To specify a positional .*$/, ''))
  }
  console.log(usage)
  return undefined
}

/** What is wrong with a command line, and where its options are told: `usage` begins its examples with `npm run <command>`. */
export function usageError(usage: string, message: string): CommandError {
  return new CommandError(message, `Run ${/npm run [\w-]+/.exec(usage)?.[0]} -- --help to see the options.`)
}

/**
 * Aborts when somebody ends the command. A terminal sends Ctrl-C to every process of the command and npm passes it on,
 * so each signal may come twice.
 */
export function endingSignal(): AbortSignal {
  const ending = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => ending.abort())
  return ending.signal
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Names a piece of work while it runs and how long it took; `work` may answer a word on its result. */
export async function step<T>(title: string, work: () => Promise<T>, result?: (value: T) => string): Promise<T> {
  const began = performance.now()
  process.stdout.write(`${title} ...`)
  const dots = setInterval(() => process.stdout.write('.'), 2_000)
  try {
    const value = await work()
    const text = result?.(value) ?? 'done'
    process.stdout.write(` ${text} (${seconds(performance.now() - began)})\n`)
    return value
  } catch (error) {
    process.stdout.write(error instanceof Error && error.name === 'AbortError' ? ' stopped\n' : ' failed\n')
    throw error
  } finally {
    clearInterval(dots)
  }
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}

/** `1 shard`, `2 shards`. */
export function plural(count: number, noun: string): string {
  return `${thousands(count)} ${noun}${count === 1 ? '' : 's'}`
}

export function thousands(count: number): string {
  return count.toLocaleString('en-US')
}

/**
 * A line that is drawn over itself on a terminal; elsewhere (a file, a CI log) it is printed at most every five seconds.
 * `stream` is stderr so that standard output stays usable in a pipe.
 */
export function progressLine(stream: NodeJS.WriteStream = process.stderr) {
  const everyMs = stream.isTTY ? 100 : 5_000
  let drawn = stream.isTTY ? 0 : Date.now()
  return {
    update(text: () => string): void {
      const now = Date.now()
      if (now - drawn < everyMs) return
      drawn = now
      stream.write(stream.isTTY ? `\r\u001B[2K${text()}` : `${text()}\n`)
    },
    /** Leaves the line clean for what is printed next. */
    end(): void {
      if (stream.isTTY) stream.write('\r\u001B[2K')
    },
  }
}

/** `[#####.....] 50 %`; an unknown total draws no bar. */
export function bar(done: number, total: number | undefined, width = 24): string {
  if (total === undefined || total <= 0) return ''
  const share = Math.min(1, done / total)
  const filled = Math.round(share * width)
  return `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${Math.floor(share * 100)} %  `
}
