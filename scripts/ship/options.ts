import { basename } from 'node:path'
import { connectionFor } from '../dev/settings.ts'
import { parseFlags, usageError } from '../dev/terminal.ts'

export interface ShipOptions {
  /** Paths; `-` is standard input. */
  files: string[]
  url: string
  key: string
  source: string | undefined
  follow: boolean
  multiline: boolean
  dryRun: boolean
  compress: Compression
  concurrency: number
  batchLines: number
  /** How long one batch is tried; undefined: as long as `ship` thinks fit. */
  retryForMs: number | undefined
}

export const compressions = ['zstd', 'gzip', 'none'] as const
export type Compression = (typeof compressions)[number]

const usage = `Sends log files or a stream to Edgelog.

  npm run ship -- [options] FILE...        FILE may end in .gz or .zst; - is standard input

  --follow            send the files, then go on with what is appended (also after rotation)
  --source NAME       name of the program that wrote the lines (default: the file's name)
  --multiline off     send every line as a record of its own, do not join stack traces
  --url URL           where Edgelog is (default: EDGELOG_URL, else the server of npm start)
  --key KEY           API key (default: EDGELOG_API_KEY, else the key that npm start made)
  --dry-run           print the records instead of sending them
  --compress KIND     zstd (default), gzip or none
  --concurrency N     batches under way at once, 1 to 16 (default 1, which keeps lines of one instant in order)
  --batch-lines N     records in one batch, 1 to 10000 (default 2000)
  --retry-for SECONDS how long one batch is tried before the run fails (default 300, for the first one 20)

JSON lines are sent as they are; of plain text a leading time and the severity are read.
Exit code: 0 when every record was accepted, 1 when not, 130 after Ctrl-C.`

const flags = {
  follow: { type: 'boolean', short: 'f', default: false },
  source: { type: 'string' },
  multiline: { type: 'string', default: 'on' },
  url: { type: 'string' },
  key: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  compress: { type: 'string', default: 'zstd' },
  concurrency: { type: 'string', default: '1' },
  'batch-lines': { type: 'string', default: '2000' },
  'retry-for': { type: 'string' },
} as const

/** What the command line and the environment say; undefined when help was asked for. */
export function parseOptions(args: string[]): ShipOptions | undefined {
  const line = parseFlags(usage, { args, options: flags, allowPositionals: true })
  if (line === undefined) return undefined
  const { values, positionals: files } = line
  if (files.length === 0) throw usageError(usage, 'No file was given.')
  if (files.filter((file) => file === '-').length > 1) throw usageError(usage, 'Standard input (-) can be given once.')
  if (values.multiline !== 'on' && values.multiline !== 'off') throw usageError(usage, '--multiline must be on or off.')
  const compress = compressions.find((kind) => kind === values.compress)
  if (!compress) throw usageError(usage, `--compress must be one of ${compressions.join(', ')}.`)
  return {
    ...(values['dry-run'] ? { url: '', key: '' } : serverOf(values)),
    files,
    source: values.source,
    follow: values.follow,
    multiline: values.multiline === 'on',
    dryRun: values['dry-run'],
    compress,
    concurrency: wholeNumber('concurrency', values.concurrency, 1, 16),
    batchLines: wholeNumber('batch-lines', values['batch-lines'], 1, 10_000),
    retryForMs: values['retry-for'] === undefined ? undefined : wholeNumber('retry-for', values['retry-for'], 0, 86_400) * 1000,
  }
}

/** `/var/log/nginx/access.log.1.gz` is of `access`. */
export function sourceOfFile(file: string): string {
  if (file === '-') return 'stdin'
  return basename(file).replace(/(?:\.(?:gz|zst|log|txt|json|jsonl|ndjson|\d+))+$/, '') || basename(file)
}

function serverOf(values: { url?: string; key?: string }): { url: string; key: string } {
  const { url, apiKey } = connectionFor(values.url, values.key)
  return { url, key: apiKey }
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw usageError(usage, `--${name} must be a whole number from ${least} to ${most}.`)
  return value
}
