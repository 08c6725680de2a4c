import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { jobSchemas, queueNames } from '../../../src/core/jobs.ts'
import { deadJobBodyCharsMax } from '../../../src/core/limits.ts'
import { describeBody, harmlessField } from '../../../src/jobs/dead_body.ts'

interface JsonSchema {
  type?: string
  const?: unknown
  enum?: unknown[]
  pattern?: string
  format?: string
  maxLength?: number
  properties?: Record<string, JsonSchema>
  items?: JsonSchema
  oneOf?: JsonSchema[]
  anyOf?: JsonSchema[]
  additionalProperties?: boolean | JsonSchema
}

const uuid = '01923f00-0000-7000-8000-00000000000a'
/** Paths of a message at which any text could stand. */
function looseTexts(schema: JsonSchema, path: string[] = []): string[] {
  const parts = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].flatMap((one) => looseTexts(one, path))
  if (schema.items) parts.push(...looseTexts(schema.items, [...path, '[]']))
  for (const [name, property] of Object.entries(schema.properties ?? {})) parts.push(...looseTexts(property, [...path, name]))
  const isLoose = schema.type === 'string' && schema.const === undefined && !schema.enum && !schema.pattern && !schema.format
  return isLoose ? [...parts, path.join('.')] : parts
}

describe('the messages of queues', () => {
  it.each(queueNames)('of %s hold ids, words of ours, days and numbers only, so that no secret is in one', (name) => {
    const schema = z.toJSONSchema(jobSchemas[name], { io: 'input' }) as JsonSchema
    expect(new Set(looseTexts(schema))).toEqual(new Set(['request_id']))
  })

  it.each(queueNames)('of %s have no further fields', (name) => {
    const schema = z.toJSONSchema(jobSchemas[name], { io: 'input' }) as JsonSchema
    for (const form of schema.oneOf ?? schema.anyOf ?? [schema]) expect(form.additionalProperties).toBe(false)
  })
})

describe('what is kept of a message of unknown form', () => {
  it('has its ids, words, numbers and times', () => {
    const body = { kind: 'purge', id: uuid, n: 3, at: '2026-11-22T10:00:00.000Z', day: '2026-11-22', list: [uuid, true, null] }
    expect(JSON.parse(describeBody(body))).toEqual(body)
  })

  it('has no other text, as a value or as a key', () => {
    const token = 'q3Jx0v_8sLk2Zb7wRt9YcN1mPd4FgHa5Ee6UuVvXxTo'
    const shown = describeBody({
      token,
      [`${token}${token}`]: 1,
      list: [{ to: 'ann@example.com' }, 'correct-horse'],
      text: 'Hello there',
      kind: token,
    })
    for (const secret of [token, 'ann', 'horse', 'Hello']) expect(shown).not.toContain(secret)
    expect(JSON.parse(shown)).toEqual({
      token: '(43 characters)',
      '(86 characters)': 1,
      list: [{ to: '(15 characters)' }, '(13 characters)'],
      text: '(11 characters)',
      kind: '(43 characters)',
    })
  })

  it.each([undefined, null, 'text', 7, [], { a: undefined }])('is JSON whatever it is: %j', (body) => {
    expect(() => JSON.parse(describeBody(body)) as unknown).not.toThrow()
  })

  it('is told by its length when it is huge', () => {
    const body = Array.from({ length: deadJobBodyCharsMax }, () => 1)
    expect(JSON.parse(describeBody(body))).toMatch(/^\d+ characters$/)
  })

  it('names a kind or an organization only by a word or an id', () => {
    const body = { kind: 'purge', organization_id: uuid, token: 'q3Jx0v_8sLk2Zb7wRt9YcN1mPd4FgHa5', n: 1 }
    expect(['kind', 'organization_id', 'token', 'n', 'constructor'].map((name) => harmlessField(body, name))).toEqual([
      'purge',
      uuid,
      undefined,
      undefined,
      undefined,
    ])
    expect([null, 'kind', undefined].map((none) => harmlessField(none, 'kind'))).toEqual([undefined, undefined, undefined])
  })
})
