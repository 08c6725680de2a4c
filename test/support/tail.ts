import { env } from 'cloudflare:test'
import { problemOf } from './app.ts'
import type { World } from './world.ts'

export interface LogMessage {
  id: string
  message: string
  source: string
  severity: string
  attributes: Record<string, unknown>
}

export interface TailMessage {
  type: string
  cursor?: string
  count?: number
  reason?: string
  code?: string
  log?: LogMessage
  logs?: LogMessage[]
}

/** A live tail as a client has it. */
export interface TailClient {
  socket: WebSocket
  /** The next message that is not taken yet. */
  next(): Promise<TailMessage>
  /** Messages that came and were not taken. */
  waiting(): TailMessage[]
  /** Takes messages until so many logs came. */
  logs(count: number): Promise<LogMessage[]>
  /** Cursor of the last message taken. */
  cursor(): string
  closed: Promise<{ code: number; reason: string }>
}

/** Stores logs with these messages and the same other fields. */
export async function send(world: World, messages: string[], more: Record<string, unknown> = {}): Promise<void> {
  const json = messages.map((message) => ({ message, ...more }))
  const response = await world.call('/api/v1/logs', { as: world.owner.accessToken, json })
  if (response.status !== 202) throw new Error(`not stored: ${response.status} ${await response.text()}`)
}

export async function codeOf(response: Response): Promise<string> {
  return (await problemOf(response)).code
}

export const tailOf = (world: World) => env.LIVE_TAIL.getByName(world.organizationId)

export async function getTicket(world: World, as = world.owner.accessToken): Promise<string> {
  const response = await world.call('/api/v1/logs/tail-ticket', { method: 'POST', as })
  if (response.status !== 201) throw new Error(`no ticket: ${response.status} ${await response.text()}`)
  return (await response.json<{ ticket: string }>()).ticket
}

/** The upgrade request, whatever it answers. */
export function upgrade(world: World, params: Record<string, string>): Promise<Response> {
  return world.call(`/ws/logs?${new URLSearchParams(params).toString()}`, { headers: { Upgrade: 'websocket' } })
}

/** Opens a live tail and waits for its first message. */
export async function openTail(world: World, params: Record<string, string> = {}): Promise<TailClient> {
  const response = await upgrade(world, { ticket: await getTicket(world), ...params })
  if (response.status !== 101 || !response.webSocket) throw new Error(`no upgrade: ${response.status} ${await response.text()}`)
  const client = clientOf(response.webSocket)
  const ready = await client.next()
  if (ready.type !== 'ready') throw new Error(`not ready but ${JSON.stringify(ready)}`)
  return client
}

function clientOf(socket: WebSocket): TailClient {
  const came: TailMessage[] = []
  let wake = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<{ code: number; reason: string }>()
  let cursor = ''
  socket.addEventListener('message', ({ data }) => {
    came.push(data === 'pong' ? { type: 'auto pong' } : (JSON.parse(String(data)) as TailMessage))
    wake.resolve()
  })
  socket.addEventListener('close', ({ code, reason }) => {
    closed.resolve({ code, reason })
    wake.reject(new Error(`closed with ${code} ${reason}`))
  })
  wake.promise.catch(() => undefined)
  socket.accept()

  async function next(): Promise<TailMessage> {
    for (;;) {
      const message = came.shift()
      if (message) {
        cursor = message.cursor ?? cursor
        return message
      }
      wake = Promise.withResolvers()
      await wake.promise
    }
  }

  async function logs(count: number): Promise<LogMessage[]> {
    const taken: LogMessage[] = []
    while (taken.length < count) {
      const message = await next()
      if (message.type === 'dropped') throw new Error(`dropped ${message.count}`)
      taken.push(...(message.log ? [message.log] : (message.logs ?? [])))
    }
    return taken
  }

  return { socket, next, logs, waiting: () => came, cursor: () => cursor, closed: closed.promise }
}
