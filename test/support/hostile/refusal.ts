import * as z from 'zod'
import { problems } from '../../../src/core/problems.ts'
import type { ProblemCode } from '../../../src/core/problems.ts'
import { problemsOf } from '../../../src/http/openapi.ts'
import type { AnyRouteSpec } from '../../../src/http/route.ts'

/** What an attack must be answered with, beyond being a refusal. */
export interface Wanted {
  status?: number
  code?: ProblemCode
  /** A field that `details` must name. */
  field?: string
  /** The attack may also be harmless: then anything but a 5xx is right. */
  harmless?: boolean
}

export interface Attack {
  name: string
  send(): Promise<Response>
  wanted: Wanted
  /** What the attack tries, where that is shared by routes: the contract of a parameter, say. */
  tries?: string
}

/**
 * What a parameter or field is, for attacks that only try that: routes share it where its name and its schema are the same, and
 * it takes and refuses the same values, which tells rules apart that a JSON Schema cannot say.
 */
export function contractOf(place: 'query' | 'body' | 'path', name: string, schema: z.ZodType, verdicts: readonly boolean[]): string {
  const { description: _, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return `${place} ${name} ${JSON.stringify(json)} ${verdicts.map(Number).join('')}`
}

/** Of attacks that were made in full at another route, one in so many is made at each further one. */
const repeatOneIn = 6

/**
 * Leaves out what would only be done again. What routes share (authentication, the reader of bodies, a schema) is attacked in
 * full at the first that has it; at the others by a part, another one at each.
 */
export function createSelection(ids: readonly string[]): (id: string, family: string, attacks: readonly Attack[]) => Attack[] {
  const firsts = new Map<string, string>()
  return (id, family, attacks) =>
    attacks.filter(({ tries = family }, i) => {
      if (!firsts.has(tries)) firsts.set(tries, id)
      return firsts.get(tries) === id || (i + ids.indexOf(id)) % repeatOneIn === 0
    })
}

/** Attacks under way at once: enough to overlap their waits, few enough to stay within the memory of one isolate. */
const parallel = 6

/** Forty times what the heaviest attack takes among its neighbours: a busy machine stays below, work that grows without bound does not. */
const answerMsMax = 10_000

/** Runs the attacks; the complaints about the answers and their time, none when all were right. */
export async function complaints(spec: AnyRouteSpec, attacks: Iterable<Attack>): Promise<string[]> {
  const found: string[] = []
  // One iterator shared by several workers: each takes the next attack when it is done with the last.
  const queue = Iterator.from(attacks)
  const work = async () => {
    for (const attack of queue) {
      const beganMs = performance.now()
      const complaint = await complaintAbout(await attack.send(), spec, attack.wanted)
      const tookMs = performance.now() - beganMs
      if (tookMs > answerMsMax) found.push(`${spec.id} / ${attack.name}: took ${Math.round(tookMs)} ms`)
      if (complaint !== undefined) found.push(`${spec.id} / ${attack.name}: ${complaint}`)
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
  return found
}

/** A 4xx problem document that is whole, documented for the route, and says what is wrong. */
async function complaintAbout(response: Response, spec: AnyRouteSpec, wanted: Wanted): Promise<string | undefined> {
  const text = await response.text()
  const shown = `${response.status} ${text.slice(0, 200)}`
  if (wanted.harmless === true && response.status < 400) return undefined
  if (response.status < 400 || response.status >= 500) return `no refusal but ${shown}`
  if (response.headers.get('Content-Type') !== 'application/problem+json') return `no problem document but ${shown}`
  const body = JSON.parse(text) as {
    status: unknown
    code: ProblemCode
    detail: unknown
    error: unknown
    request_id: unknown
    details?: object
  }
  if (body.status !== response.status || problems[body.code]?.status !== response.status) return `status and code do not fit: ${shown}`
  if (body.request_id !== response.headers.get('X-Request-Id')) return `not the request id of the header: ${shown}`
  if (typeof body.detail !== 'string' || body.detail === '' || body.error !== body.detail) return `says nothing: ${shown}`
  if (!problemsOf(spec).includes(body.code)) return `not documented for this route: ${shown}`
  if (wanted.status !== undefined && response.status !== wanted.status) return `not ${wanted.status} but ${shown}`
  if (wanted.code !== undefined && body.code !== wanted.code) return `not ${wanted.code} but ${shown}`
  if (wanted.field !== undefined && !names(body.details, wanted.field)) return `does not name ${wanted.field}: ${shown}`
  return undefined
}

function names(details: object | undefined, field: string): boolean {
  return Object.keys(details ?? {}).some((key) => key === field || key.startsWith(`${field}.`))
}
