import { zValidator } from '@hono/zod-validator'
import type { Context, MiddlewareHandler } from 'hono'
import * as z from 'zod'
import { jsonBodyBytesMax, problemIssuesMax, problemNameCharsMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { ProblemError } from '../core/problems.ts'
import { checkHead, checkText, formType, mediaTypeOf } from './body.ts'
import { issueText } from './issue_text.ts'
import { isOptional } from './route.ts'
import type { AnyInput, AnyRouteSpec, AppEnv } from './route.ts'

type Step = MiddlewareHandler<AppEnv>
const nothing = z.strictObject({})

/** Checks a request against its contract, step by step; each throws 400, 413 or 415. `inputOf` has the outcome. */
export function validation({ param, query, json, jsonBytesMax = jsonBodyBytesMax, form, body }: AnyRouteSpec): Step[] {
  const address = [validate('param', param ?? nothing), validate('query', query ?? nothing)]
  if (body) return [...address, checkHead(body.types, body.bytesMax)]
  return json ? [...address, ...bodySteps(json, jsonBytesMax, form === true)] : address
}

/** What the validators made of the request: all that the handler may use of it. */
export function inputOf(c: Context<AppEnv>): AnyInput {
  const valid = (target: string): unknown => c.req.valid(target as never)
  return { param: valid('param'), query: valid('query'), json: valid('json') ?? valid('form') }
}

function bodySteps(schema: z.ZodType, bytesMax: number, form: boolean): Step[] {
  const [asJson, asForm] = [validate('json', schema), validate('form', schema)]
  const types = form ? ['application/json', formType] : ['application/json']
  const steps: Step[] = [...checkText(types, bytesMax), (c, next) => (mediaTypeOf(c)?.type === formType ? asForm : asJson)(c, next)]
  return isOptional(schema) ? steps.map((step) => (c, next) => (isBodyless(c) ? next() : step(c, next))) : steps
}

/** A request without a body says so by Content-Length, or by having neither that nor chunks (RFC 9112, 6.3). */
function isBodyless(c: Context<AppEnv>): boolean {
  return c.req.raw.body === null || c.req.header('Content-Length') === '0'
}

function validate(target: 'param' | 'query' | 'json' | 'form', schema: z.ZodType): Step {
  return zValidator(
    target,
    schema,
    (result) => {
      if (!result.success) throw invalid(result.error)
    },
    { validationFunction: (_, value) => schema.safeParse(value, { error: issueText }) },
  )
}

function invalid(error: z.core.$ZodError): ProblemError {
  const details = detailsOf(error)
  const [field, messages] = Object.entries(details)[0] ?? ['', []]
  const first = `${field === '' ? 'body' : field}: ${messages[0] ?? 'is not valid'}`
  return problem('validation_failed', `The request is not valid. ${first}`, { details })
}

/** Field path (`members.0.role`) to its messages; unknown names count as fields. */
function detailsOf(error: z.core.$ZodError): Record<string, string[]> {
  const details = new Map<string, string[]>()
  const add = (path: string, message: string) => details.set(path, [...(details.get(path) ?? []), message])
  for (const issue of error.issues.slice(0, problemIssuesMax)) {
    const path = issue.path.map(String)
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys.slice(0, problemIssuesMax))
        add([...path, key.slice(0, problemNameCharsMax)].join('.'), 'is not known here')
    } else {
      add(path.join('.'), issue.message)
    }
  }
  return Object.fromEntries(details)
}
