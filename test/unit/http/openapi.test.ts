import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { openapi, problemsOf } from '../../../src/http/openapi.ts'
import { problems } from '../../../src/core/problems.ts'
import { emptyReply, rawReply, route } from '../../../src/http/route.ts'
import { routes } from '../../../src/routes.ts'

interface Operation {
  operationId: string
  security: object[]
  parameters: { name: string; in: string; required: boolean; schema: object }[]
  requestBody?: { required: boolean; content: Record<string, { schema?: object }> }
  responses: Record<string, { description: string; content?: Record<string, { schema?: object }> }>
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> }
}

const build = (list: Parameters<typeof openapi>[0]) => JSON.parse(JSON.stringify(openapi(list, 'https://logs.example.com'))) as Document

function refsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(refsIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => (key === '$ref' && typeof item === 'string' ? [item] : refsIn(item)))
}

describe('the document of all routes', () => {
  const document = build(routes)

  it('has every route and no other', () => {
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    )
    expect(documented.toSorted()).toEqual(routes.map(({ spec }) => `${spec.method} ${spec.path.replace(/:(\w+)/g, '{$1}')}`).toSorted())
  })

  it.each(routes.map((one) => [one.spec.id, one.spec] as const))('says of %s every status it can answer, and no other', (_, spec) => {
    const responses = document.paths[spec.path.replace(/:(\w+)/g, '{$1}')]?.[spec.method]?.responses ?? {}
    const expected = new Set([...Object.keys(spec.replies), ...problemsOf(spec).map((code) => String(problems[code].status))])
    expect(Object.keys(responses).toSorted()).toEqual([...expected].toSorted())
    expect(Object.values(responses).filter(({ description }) => description === '')).toEqual([])
  })

  it('has no reference that leads nowhere and no definition left inside', () => {
    for (const ref of refsIn(document)) {
      expect(ref).toMatch(/^#\/components\/schemas\//)
      expect(document.components.schemas).toHaveProperty([ref.slice('#/components/schemas/'.length)])
    }
    expect(JSON.stringify(document)).not.toContain('$defs')
  })

  it('names operations once, declares every path parameter, and uses only schemes it defines', () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, ...operation })),
    )
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    for (const { path, parameters, security } of operations) {
      const named = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)
      expect(named.toSorted()).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => String(match[1])).toSorted())
      for (const scheme of security) expect(document.components.securitySchemes).toHaveProperty(Object.keys(scheme))
    }
  })
})

describe('a route in the document', () => {
  it('says when its body may be left out', () => {
    const { requestBody } = build(routes).paths['/api/v1/auth/refresh']?.['post'] ?? {}
    expect(requestBody?.required).toBe(false)
    expect(requestBody?.content['application/json']?.schema).toHaveProperty('properties.refresh_token')
  })

  const inner = z.object({ size: z.int().default(1) }).meta({ id: 'Inner' })
  interface Tree {
    children: Tree[]
  }
  const tree: z.ZodType<Tree> = z.object({
    get children() {
      return z.array(tree)
    },
  })
  const sample = route(
    {
      id: 'sample.put',
      method: 'put',
      path: '/sample/:id',
      summary: 'Sample',
      access: 'logs:edit',
      param: z.strictObject({ id: z.string() }),
      query: z.strictObject({ dry: z.enum(['true', 'false']).optional() }),
      json: z.strictObject({ inner }),
      form: true,
      replies: { 200: z.object({ inner, tree }), 202: rawReply('text/csv', 'Rows.'), 204: emptyReply('Nothing.') },
      problems: ['conflict'],
    },
    async () => ({ status: 204 }),
  )
  const document = build([sample])
  const operation = document.paths['/sample/{id}']?.['put'] as Operation

  it('keeps named schemas as components, apart for input and output', () => {
    expect(document.components.schemas['Inner']).toMatchObject({ required: ['size'] })
    expect(document.components.schemas['InnerInput']).not.toHaveProperty('required')
  })

  it('keeps a recursive schema whole', () => {
    const name = Object.keys(document.components.schemas).find((key) => key.startsWith('sample.put.200'))
    expect(refsIn(document.components.schemas[name ?? ''])).toEqual([`#/components/schemas/${name}`])
  })

  it('shows parameters, body types, reply types and problems', () => {
    expect(operation.parameters.map(({ name, required }) => [name, required])).toEqual([
      ['id', true],
      ['dry', false],
      ['X-Organization-Id', false],
    ])
    expect(operation.requestBody?.required).toBe(true)
    expect(Object.keys(operation.requestBody?.content ?? {})).toEqual(['application/json', 'application/x-www-form-urlencoded'])
    expect(Object.keys(operation.responses['202']?.content ?? {})).toEqual(['text/csv'])
    expect(operation.responses['204']).toEqual({ description: 'Nothing.' })
    expect(operation.responses['409']?.description).toContain('`conflict`')
  })
})
