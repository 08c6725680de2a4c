import type { Context } from 'hono'
import * as z from 'zod'
import { problem } from '../core/problems.ts'
import { readInput, refuseDeclaredLength, requireType } from './body.ts'
import type { AnyRouteSpec, AppEnv } from './route.ts'

const nothing = z.strictObject({})

/** Everything the handler may use of the request, checked against the contract; throws 400, 413 or 415. */
export async function readRequest(c: Context<AppEnv>, spec: AnyRouteSpec): Promise<{ param: unknown; query: unknown; json: unknown }> {
  const param = check(spec.param ?? nothing, c.req.param())
  const query = check(spec.query ?? nothing, queryOf(c))
  if (spec.body) {
    requireType(c, spec.body.types)
    refuseDeclaredLength(c, spec.body.bytesMax)
  }
  const json = spec.json && check(spec.json, await readInput(c, spec.form === true))
  return { param, query, json }
}

function check<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value, {
    error: (issue) => (issue.code === 'invalid_type' && issue.input === undefined ? 'is required' : undefined),
  })
  if (result.success) return result.data
  const details = detailsOf(result.error)
  const [field, messages] = Object.entries(details)[0] ?? ['', []]
  const first = `${field === '' ? 'body' : field}: ${messages[0] ?? 'is not valid'}`
  throw problem('validation_failed', `The request is not valid. ${first}`, { details })
}

/** Field path (`members.0.role`) to its messages; unknown names count as fields. */
export function detailsOf(error: z.ZodError): Record<string, string[]> {
  const details = new Map<string, string[]>()
  const add = (path: string, message: string) => details.set(path, [...(details.get(path) ?? []), message])
  for (const issue of error.issues.slice(0, issuesMax)) {
    const path = issue.path.map(String)
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys.slice(0, issuesMax)) add([...path, key.slice(0, nameCharsMax)].join('.'), 'is not known here')
    } else {
      add(path.join('.'), issue.message)
    }
  }
  return Object.fromEntries(details)
}

/** An answer names the first mistakes, not thousands of them. */
const issuesMax = 20
const nameCharsMax = 100

/** A repeated parameter becomes an array, which a schema that wants one value then refuses. */
function queryOf(c: Context<AppEnv>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  )
}
