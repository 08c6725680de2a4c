import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How the receiver answers one request. */
export interface Answer {
  status?: number
  headers?: Record<string, string>
  body?: string
  /** So many bytes instead of `body`, as fast as they are taken. */
  bytes?: number
  /** A byte every 50 ms, for ever. */
  drip?: true
  /** No answer at all, for ever; or the connection is closed. */
  silent?: 'hang' | 'close'
}

export interface Received {
  headers: Record<string, string>
  body: string
}

export interface Receiver {
  readonly url: string
  close(): Promise<void>
}

/**
 * A real HTTP server that is told how to answer. `PUT /<path>` with a JSON array of answers sets those of `POST /<path>`, one after the
 * other, the last again and again; `GET /<path>` tells what came, and how many connections the other side ended early.
 */
export async function startReceiver(): Promise<Receiver> {
  const answers = new Map<string, Answer[]>()
  const received = new Map<string, Received[]>()
  const ended = new Map<string, number>()
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    void textOf(request).then((body) => {
      if (request.method === 'PUT') {
        answers.set(path, JSON.parse(body) as Answer[])
        response.end()
      } else if (request.method === 'GET') {
        response.end(JSON.stringify({ received: received.get(path) ?? [], endedEarly: ended.get(path) ?? 0 }))
      } else {
        received.set(path, [...(received.get(path) ?? []), { headers: request.headers as Record<string, string>, body }])
        const planned = answers.get(path) ?? []
        const answer = (planned.length > 1 ? planned.shift() : planned[0]) ?? {}
        response.once('close', () => {
          if (!response.writableFinished) ended.set(path, (ended.get(path) ?? 0) + 1)
        })
        reply(response, answer)
      }
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

function reply(response: ServerResponse, { status = 200, headers = {}, body = 'ok', bytes, drip, silent }: Answer): void {
  if (silent === 'hang') return
  if (silent === 'close') return void response.destroy()
  response.writeHead(status, headers)
  if (drip) {
    const timer = setInterval(() => response.write('x'), 50)
    response.once('close', () => clearInterval(timer))
  } else if (bytes === undefined) response.end(body)
  else pour(response, bytes)
}

function pour(response: ServerResponse, bytes: number): void {
  const part = Buffer.alloc(64 * 1024, 'x')
  let left = bytes
  const more = () => {
    while (left > 0) {
      left -= part.length
      if (!response.write(part)) return void response.once('drain', more)
    }
    response.end()
  }
  more()
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}
