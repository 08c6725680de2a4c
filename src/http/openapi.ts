import * as z from 'zod'
import { isAccountPermission, organizationLines } from '../core/permissions.ts'
import type { Permission } from '../core/permissions.ts'
import { problems } from '../core/problems.ts'
import type { ProblemCode } from '../core/problems.ts'
import { version } from '../core/version.ts'
import { schemaBook } from './openapi_schemas.ts'
import type { Json, SchemaBook } from './openapi_schemas.ts'
import { isOptional, isSchema } from './route.ts'
import type { Access, AnyRouteSpec, ReplySpec, Route } from './route.ts'

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    error: z.string().describe('Repeats `detail`.'),
    code: z.string().describe('Stable key of the problem.'),
    details: z.record(z.string(), z.array(z.string())).optional().describe('Field path to its messages.'),
    request_id: z.string(),
  })
  .meta({ id: 'Problem' })

const securitySchemes = {
  session: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Access token of a signed-in person.' },
  cookie: { type: 'apiKey', in: 'cookie', name: '__Host-edgelog_access', description: 'The same token, for browsers.' },
  api_key: { type: 'http', scheme: 'bearer', bearerFormat: 'elk_<kind>_<random>', description: 'API key of a program.' },
  api_key_header: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The same key, in a header of its own.' },
}

/** The OpenAPI 3.1 document of the routes (spec.openapis.org/oas/v3.1.1); it says nothing that the routes do not. */
export function openapi(routes: readonly Route[], publicUrl: string): Json {
  const book = schemaBook()
  const paths: Record<string, Json> = {}
  for (const { spec } of routes) {
    const path = spec.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [spec.method]: operation(spec, book) }
  }
  book.add(problemSchema, 'output', 'Problem')
  return {
    openapi: '3.1.0',
    info: { title: 'Edgelog', version, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: publicUrl }],
    paths,
    components: { schemas: book.schemas(), securitySchemes },
  }
}

function operation(spec: AnyRouteSpec, book: SchemaBook): Json {
  return {
    operationId: spec.id,
    summary: spec.summary,
    ...(spec.description && { description: spec.description }),
    tags: [spec.id.split('.')[0]],
    security: security(spec),
    ...(spec.access !== 'public' && spec.access !== 'session' && { 'x-permission': spec.access }),
    parameters: [...parameters(spec, 'param', book), ...parameters(spec, 'query', book), ...organizationHeader(spec)],
    ...requestBody(spec, book),
    responses: { ...replies(spec, book), ...problemReplies(spec) },
  }
}

function security({ access }: AnyRouteSpec): Json[] {
  if (access === 'public') return []
  const person = [{ session: [] }, { cookie: [] }]
  return isScope(access) ? [...person, { api_key: [] }, { api_key_header: [] }] : person
}

function parameters(spec: AnyRouteSpec, where: 'param' | 'query', book: SchemaBook): Json[] {
  return Object.entries(spec[where]?.shape ?? {}).map(([name, field]) => {
    const schema = field as z.ZodType
    return {
      name,
      in: where === 'param' ? 'path' : 'query',
      required: where === 'param' || !isOptional(schema),
      ...(schema.description && { description: schema.description }),
      schema: book.add(schema, 'input', `${spec.id}.${name}`),
    }
  })
}

function organizationHeader({ access, tenant }: AnyRouteSpec): Json[] {
  if (!isPermission(access) || tenant !== undefined) return []
  return [
    {
      name: 'X-Organization-Id',
      in: 'header',
      required: false,
      schema: { type: 'string', format: 'uuid' },
      description: 'The active organization; without it, the default one.',
    },
  ]
}

function requestBody(spec: AnyRouteSpec, book: SchemaBook): Json {
  if (spec.body) return { requestBody: { required: true, content: Object.fromEntries(spec.body.types.map((type) => [type, {}])) } }
  if (!spec.json) return {}
  const schema = book.add(spec.json, 'input', `${spec.id}.request`)
  const types = ['application/json', ...(spec.form ? ['application/x-www-form-urlencoded'] : [])]
  return { requestBody: { required: !isOptional(spec.json), content: Object.fromEntries(types.map((type) => [type, { schema }])) } }
}

function replies(spec: AnyRouteSpec, book: SchemaBook): Record<string, Json> {
  return Object.fromEntries(Object.entries(spec.replies).map(([status, reply]) => [status, replyJson(spec, status, reply, book)]))
}

function replyJson(spec: AnyRouteSpec, status: string, reply: ReplySpec, book: SchemaBook): Json {
  if (isSchema(reply)) {
    const schema = book.add(reply, 'output', `${spec.id}.${status}`)
    return { description: reply.description ?? 'Done.', content: { 'application/json': { schema } } }
  }
  return {
    description: reply.description,
    ...(reply.kind === 'raw' && reply.contentType !== '' && { content: { [reply.contentType]: {} } }),
  }
}

/** One entry a status, naming the codes that it can carry. */
function problemReplies(spec: AnyRouteSpec): Record<string, Json> {
  const byStatus = Map.groupBy(new Set(problemsOf(spec)), (code) => String(problems[code].status))
  const entries = [...byStatus].map(([status, codes]) => [status, problemReply(codes)] as const)
  // A route may answer a status both ways (health says 503 with its checks); then its own schema is the documented one.
  return Object.fromEntries(entries.filter(([status]) => !(Number(status) in spec.replies)))
}

function problemReply(codes: readonly ProblemCode[]): Json {
  return {
    description: codes.map((code) => `\`${code}\`: ${problems[code].title}`).join('\n\n'),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }
}

/** The problems a route declares, and those that follow from its access, parameters and body. */
export function problemsOf({ method, access, stepUp, json, body, unlimited, problems: own }: AnyRouteSpec): ProblemCode[] {
  const codes: ProblemCode[] = ['validation_failed', 'uri_too_long', 'internal_error', 'unavailable', ...own]
  if (access !== 'public') codes.push('unauthenticated', 'invalid_token', 'token_expired', 'invalid_api_key', 'forbidden')
  if (access !== 'public' && access !== 'session' && access !== 'staff') codes.push('not_found')
  if (isPermission(access)) codes.push('second_factor_required')
  if (stepUp) codes.push('reauthentication_required')
  if (json) codes.push('malformed_json', 'payload_too_large', 'unsupported_media_type', 'unsupported_encoding')
  if (body) codes.push('payload_too_large', 'unsupported_media_type')
  if (method !== 'get') codes.push('cross_site')
  if (!unlimited) codes.push('rate_limited')
  return codes
}

/** Of an organization, not of an account. */
function isPermission(access: Access): access is Permission {
  return access !== 'public' && access !== 'session' && access !== 'staff' && !isAccountPermission(access)
}

function isScope(access: Access): boolean {
  return isPermission(access) && organizationLines[access].keys !== undefined
}
