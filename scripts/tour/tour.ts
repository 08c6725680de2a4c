import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'
import { CommandError, reasonOf } from '../dev/terminal.ts'
import { redact } from './redact.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Who asks: an access token or API key, and the organization that is meant. */
export interface Caller {
  bearer: string
  organizationId?: string
}

export interface Call {
  /** Method and path; what does not begin with /dev is below /api/v1. */
  request: `${Method} /${string}`
  by?: Caller
  json?: unknown
  /** Instead of `json`: lines of JSON. */
  ndjson?: string
  /** What the caller says to be; a browser makes a session easier to tell. */
  userAgent?: string
}

/** The answer that is right. */
interface Want<T> {
  status: number
  /** What its body must be like; anything when absent. */
  reply?: z.ZodType<T>
  /** The telling part of it; what `reply` names when absent. */
  tell?: (body: T) => string
  /** How long another status may come first, where the server says that it remembers for so long. */
  withinMs?: number
}

export interface Tour {
  /** Prints a heading. */
  chapter(title: string): void
  /** Makes one request, prints it and answers its body; throws a CommandError when the answer is not as wanted. */
  step<T>(say: string, call: Call, want: Want<T>): Promise<T>
  /** The same for a request that must be refused with this problem, and with `detail` where that is given; answers its detail. */
  refused(say: string, call: Call, status: number, code: string, detail?: string): Promise<string>
  /** One request that is no step of its own, such as looking again whether a mail has come; answers its body. */
  ask<T>(call: Call, reply: z.ZodType<T>): Promise<T>
  /** Steps made so far. */
  count(): number
}

interface Answer {
  status: number
  headers: Headers
  body: unknown
  text: string
}

const problemSchema = z.object({ code: z.string(), detail: z.string() })
const base = '/api/v1'
const requestMs = 60_000
const againMs = 500
/** The longest window of the limits that are worth waiting for; others are told. */
const waitSecondsMax = 60

export function createTour(url: string, print: (line: string) => void): Tour {
  let steps = 0
  const say = (line: string) => print(redact(line))
  const request = async (call: Call): Promise<Answer> => {
    const answer = await send(url, call)
    const seconds = retryAfter(answer)
    if (seconds === undefined) return answer
    if (seconds > waitSecondsMax) throw throttled(call, answer, seconds)
    say(`     (this address has used up its requests of the minute: waiting ${seconds} s, as the answer asks)`)
    await wait(seconds * 1000)
    return send(url, call)
  }
  const step = async <T>(title: string, call: Call, { status, reply, tell, withinMs = 0 }: Want<T>): Promise<T> => {
    steps += 1
    say(`${String(steps).padStart(3)}. ${title}`)
    const deadline = Date.now() + withinMs
    let answer = await request(call)
    while (answer.status !== status && Date.now() < deadline) {
      await wait(againMs)
      answer = await request(call)
    }
    const wrong = (expected: string) => wrongAnswer(`Step ${steps} (${title})`, call, answer, expected)
    if (answer.status !== status) throw wrong(`the status ${status}`)
    const parsed = (reply ?? (z.unknown() as z.ZodType<T>)).safeParse(answer.body)
    if (!parsed.success) throw wrong(`a body without these faults:\n${z.prettifyError(parsed.error)}`)
    const part = tell?.(parsed.data) ?? (reply ? JSON.stringify(parsed.data) : '')
    say(`     ${shown(call)}  ${answer.status}  ${part}`.trimEnd())
    return parsed.data
  }
  return {
    step,
    chapter: (title) => say(`\n${title}`),
    count: () => steps,
    async refused(title, call, status, code, wanted) {
      const reply = z.object({ code: z.literal(code), detail: wanted === undefined ? z.string() : z.literal(wanted) })
      const { detail } = await step<z.output<typeof reply>>(title, call, { status, reply, tell: (body) => `${code}: ${body.detail}` })
      return detail
    },
    async ask(call, reply) {
      const answer = await request(call)
      const parsed = reply.safeParse(answer.body)
      if (answer.status === 200 && parsed.success) return parsed.data
      throw wrongAnswer('A request between the steps', call, answer, 'an answer that helps on')
    },
  }
}

async function send(url: string, { request, by, json, ndjson, userAgent }: Call): Promise<Answer> {
  const [method = ''] = request.split(' ', 1)
  const headers: Record<string, string> = { 'User-Agent': userAgent ?? 'edgelog-tour/1' }
  if (by) headers['Authorization'] = `Bearer ${by.bearer}`
  if (by?.organizationId !== undefined) headers['X-Organization-Id'] = by.organizationId
  if (json !== undefined) headers['Content-Type'] = 'application/json'
  if (ndjson !== undefined) headers['Content-Type'] = 'application/x-ndjson'
  const body = ndjson ?? (json === undefined ? null : JSON.stringify(json))
  try {
    const response = await fetch(`${url}${pathOf(request)}`, { method, headers, body, signal: AbortSignal.timeout(requestMs) })
    const text = await response.text()
    const isJson = /^application\/(problem\+)?json/.test(response.headers.get('Content-Type') ?? '')
    const parsed: unknown = isJson && text !== '' ? JSON.parse(text) : text
    return { status: response.status, headers: response.headers, body: parsed, text }
  } catch (error) {
    throw new CommandError(
      `${request} got no answer from ${url}: ${reasonOf(error)}.`,
      'Start the development server with npm start, and run the tour again.',
    )
  }
}

function pathOf(request: string): string {
  const path = request.slice(request.indexOf(' ') + 1)
  return path.startsWith('/dev/') ? path : `${base}${path}`
}

function shown({ request }: Call): string {
  return `${request.slice(0, request.indexOf(' '))} ${decodeURIComponent(pathOf(request))}`
}

/** How long the answer wants the next try to wait, where a limit was met that the tour does not ask for. */
function retryAfter({ status, headers }: Answer): number | undefined {
  const seconds = Number(headers.get('Retry-After'))
  return status === 429 && seconds > 0 ? seconds : undefined
}

function throttled(call: Call, { body }: Answer, seconds: number): CommandError {
  const detail = problemSchema.safeParse(body).data?.detail ?? 'A limit was met.'
  return new CommandError(
    `${shown(call)} was throttled: ${detail}`,
    `Earlier tours and tries count too. Run it again in ${Math.ceil(seconds / 60)} minutes, or now against a server with data of its own:\n` +
      '  PORT=8788 EDGELOG_STATE=.wrangler/tour npm start\n  npm run tour -- --url http://127.0.0.1:8788',
  )
}

function wrongAnswer(where: string, call: Call, { status, headers, text }: Answer, expected: string): CommandError {
  const id = headers.get('X-Request-Id') ?? 'none'
  return new CommandError(
    redact(`${where} went wrong.\n  ${shown(call)}\n  expected: ${expected}\n  got:      ${status} ${text.slice(0, 2000)}`),
    `The server's own account of it is the log line of request ${id}.`,
  )
}
