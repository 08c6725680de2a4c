import { setTimeout as wait } from 'node:timers/promises'
import { connectionFor } from './dev/settings.ts'
import { createAcks } from './dev/tail_acks.ts'
import { CommandError, main, parseFlags } from './dev/terminal.ts'

const usage = `Shows new logs as they arrive, until Ctrl-C.

  npm run tail -- [options] [QUERY]        for example: npm run tail -- 'level:>=warning source:api'

  --json              print each log as one line of JSON
  --url URL           where Edgelog is (default: EDGELOG_URL, else the server of npm start)
  --key KEY           API key with logs:read (default: EDGELOG_API_KEY, else the key that npm start made)

A lost connection is taken up again where it ended, without a gap or a repeat.`

const flags = {
  json: { type: 'boolean', default: false },
  url: { type: 'string' },
  key: { type: 'string' },
} as const

const reconnectMs = 1_000

const dropReasons = {
  slow: 'they came faster than they could be sent',
  behind: 'the connection was away for too long',
  damaged: 'their block is damaged',
}

const colours: Record<string, number> = { TRACE: 90, DEBUG: 90, INFO: 36, WARNING: 33, ERROR: 31, CRITICAL: 35 }

interface Log {
  timestamp: string
  severity: string
  source: string
  message: string
  attributes: Record<string, unknown>
}

type TailMessage =
  | { type: 'ready'; cursor: string }
  | { type: 'log_created'; log: Log; cursor: string }
  | { type: 'log_batch'; logs: Log[]; cursor: string }
  | { type: 'cursor'; cursor: string }
  | { type: 'dropped'; count: number; reason: keyof typeof dropReasons; cursor: string }
  | { type: 'error'; detail: string }
  | { type: 'pong' }

interface TailOptions {
  url: string
  key: string
  q: string
  json: boolean
}

await main(async () => {
  const options = parseOptions()
  if (options === undefined) return 0
  let cursor: string | undefined
  for (;;) {
    cursor = await follow(options, cursor)
    console.error(
      cursor === undefined
        ? `Nothing answers at ${options.url}. Start it or check --url; trying again in ${reconnectMs / 1000} s.`
        : `The connection ended; going on in ${reconnectMs / 1000} s.`,
    )
    await wait(reconnectMs)
  }
})

/** Undefined when help was asked for. */
function parseOptions(): TailOptions | undefined {
  const line = parseFlags(usage, { options: flags, allowPositionals: true })
  if (line === undefined) return undefined
  const { values, positionals } = line
  const { url, apiKey } = connectionFor(values.url, values.key)
  return { url, key: apiKey, q: positionals.join(' '), json: values.json }
}

/** One connection, from `cursor` on when there is one; answers the cursor where it ended. */
async function follow(options: TailOptions, cursor: string | undefined): Promise<string | undefined> {
  const ticket = await newTicket(options)
  if (ticket === undefined) return cursor
  const address = new URL(`${options.url.replace(/^http/, 'ws')}/ws/logs`)
  address.searchParams.set('ticket', ticket)
  if (options.q !== '') address.searchParams.set('q', options.q)
  if (cursor !== undefined) address.searchParams.set('cursor', cursor)
  const socket = new WebSocket(address.href)
  let at = cursor
  const received = createAcks(
    (text) => socket.send(text),
    () => at,
  )
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as TailMessage
    show(message, options.json)
    if (!('cursor' in message)) return
    at = message.cursor
    received()
  })
  // An `error` event is always followed by `close`.
  await new Promise((resolve) => socket.addEventListener('close', resolve))
  return at
}

/** Undefined when the server cannot be reached now; throws when it refuses. */
async function newTicket({ url, key, q }: TailOptions): Promise<string | undefined> {
  const headers = { authorization: `Bearer ${key}` }
  try {
    // A WebSocket cannot say why it was refused, so a query that does not parse is found out here.
    const check = await fetch(`${url}/api/v1/logs/search?limit=1&from=now-1s&q=${encodeURIComponent(q)}`, { headers })
    const reply = check.ok ? await fetch(`${url}/api/v1/logs/tail-ticket`, { method: 'POST', headers }) : check
    const body = (await reply.json()) as { ticket?: string; detail?: string }
    if (reply.ok && body.ticket !== undefined) return body.ticket
    if (reply.status < 500)
      throw new CommandError(`The server refused: ${body.detail ?? reply.status}`, 'Check the query, --url and --key.')
  } catch (error) {
    if (error instanceof CommandError) throw error
  }
  return undefined
}

function show(message: TailMessage, json: boolean): void {
  if (message.type === 'ready') console.error('Watching; Ctrl-C ends.')
  else if (message.type === 'log_created') print(message.log, json)
  else if (message.type === 'log_batch') for (const log of message.logs) print(log, json)
  else if (message.type === 'dropped') console.error(`(${message.count} logs were left out: ${dropReasons[message.reason]})`)
  else if (message.type === 'error') console.error(message.detail)
}

function print(log: Log, json: boolean): void {
  if (json) return console.log(JSON.stringify(log))
  const { timestamp, severity, source, message, attributes } = log
  const level = severity.padEnd(8)
  const coloured = process.stdout.isTTY ? `\u001B[${colours[severity] ?? 0}m${level}\u001B[0m` : level
  const rest = Object.entries(attributes).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
  console.log(`${timestamp} ${coloured} ${source}  ${message}${rest.join('')}`)
}
