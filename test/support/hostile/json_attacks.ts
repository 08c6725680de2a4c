import * as z from 'zod'
import { jsonBodyBytesMax } from '../../../src/core/limits.ts'
import { isOptional } from '../../../src/http/route.ts'
import type { AnyRouteSpec } from '../../../src/http/route.ts'
import { bombs } from './bombs.ts'
import { contractOf } from './refusal.ts'
import type { Attack, Wanted } from './refusal.ts'
import { jsonSamples } from './samples.ts'
import { send } from './stage.ts'
import type { Stage } from './stage.ts'

const malformed: Wanted = { status: 400, code: 'malformed_json' }
const invalid: Wanted = { status: 400, code: 'validation_failed' }

const nested = '{"a":'.repeat(200_000)
const manyNames = `{${Array.from({ length: 1_000_000 }, (_, i) => `"k${i}":1`).join(',')}}`

/** Bodies that are no JSON object, or one that the parser itself must refuse. */
export function brokenBodies(stage: Stage, spec: AnyRouteSpec): Attack[] {
  const sample = JSON.stringify(jsonSamples[spec.id])
  const bytesMax = spec.jsonBytesMax ?? jsonBodyBytesMax
  const firstKey = Object.keys(jsonSamples[spec.id] ?? {})[0] ?? 'x'
  const texts: [string, string, Wanted][] = [
    ['empty', '', spec.json && isOptional(spec.json) ? { harmless: true } : malformed],
    ['blank', ' \r\n\t', malformed],
    ['truncated', sample.slice(0, -3), malformed],
    ['followed by rubbish', `${sample}x`, malformed],
    ['two documents', sample + sample, malformed],
    ['a name twice', sample.replace('{', `{${JSON.stringify(firstKey)}:1,`), malformed],
    [
      'a name twice, once escaped',
      sample.replace('{', `{"\\u${firstKey.charCodeAt(0).toString(16).padStart(4, '0')}${firstKey.slice(1)}":1,`),
      malformed,
    ],
    ['single quotes', sample.replaceAll('"', "'"), malformed],
    ['NaN', '{"x":NaN}', malformed],
    ['a comment', `/* */${sample}`, malformed],
    ['nested 30,000 deep', '['.repeat(30_000), malformed],
    ['nested 200,000 deep', nested, nested.length > bytesMax ? { status: 413 } : malformed],
    ['1,000,000 names', manyNames, { status: 413 }],
    ['one byte too long', sample.replace('{', `{${' '.repeat(bytesMax - sample.length + 1)}`), { status: 413 }],
    ...['null', '[]', '[{}]', '7', '"text"', 'true'].map((text): [string, string, Wanted] => [text, text, { ...invalid, field: '' }]),
  ]
  const utf8 = new TextEncoder()
  return [
    ...texts.map(([name, json, wanted]): Attack => ({ name, send: () => send(stage, spec, { json }), wanted })),
    {
      name: 'invalid UTF-8',
      send: () =>
        send(stage, spec, {
          body: utf8.encode('{"\u00ff":1}').map((byte) => (byte === 0xc3 ? 0xff : byte)),
          headers: { 'Content-Type': 'application/json' },
        }),
      wanted: malformed,
    },
    {
      name: 'UTF-16',
      send: () => send(stage, spec, { body: Buffer.from(sample, 'utf16le'), headers: { 'Content-Type': 'application/json' } }),
      wanted: malformed,
    },
  ]
}

/** Right bytes under a wrong name. */
export function wrongTypes(stage: Stage, spec: AnyRouteSpec): Attack[] {
  const body = JSON.stringify(jsonSamples[spec.id])
  const types = [
    '',
    'text/plain',
    'application/xml',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
    'application/jsonp',
    'application/json, text/html',
  ]
  if (spec.form !== true) types.push('application/x-www-form-urlencoded')
  const encodings: [string, BodyInit][] = [
    ['gzip', body],
    ['gzip, gzip', body],
    ['br', body],
    ['x-unknown', body],
    ...bombs.map((bomb): [string, BodyInit] => [bomb.encoding, bomb.bytes()]),
  ]
  return [
    ...types.map((type): Attack => ({
      name: `type ${type}`,
      send: () => send(stage, spec, { body: new TextEncoder().encode(body), headers: type === '' ? {} : { 'Content-Type': type } }),
      wanted: { status: 415, code: 'unsupported_media_type' },
    })),
    ...encodings.map(([encoding, bytes]): Attack => ({
      name: `encoding ${encoding}`,
      send: () => send(stage, spec, { body: bytes, headers: { 'Content-Type': 'application/json', 'Content-Encoding': encoding } }),
      wanted: { status: 415, code: 'unsupported_encoding' },
    })),
  ]
}

const privileges = [
  'id',
  'role',
  'is_admin',
  'is_staff',
  'organization_id',
  'account_id',
  'user_id',
  'owner_id',
  'permissions',
  'password_hash',
  'token_version',
  'created_at',
  'deleted_at',
  'key_hash',
  'constructor',
  '__proto__',
  'toString',
  '$where',
  '',
]

/** Names like privileges that the contract of a route takes beside a good body: none may be. */
export function namesTaken({ id, json }: AnyRouteSpec): string[] {
  const sample = jsonSamples[id] ?? {}
  const more = (name: string): unknown => JSON.parse(JSON.stringify(sample).replace(/}$/, `,${JSON.stringify(name)}:{"admin":true}}`))
  return privileges.filter((name) => !Object.hasOwn(sample, name) && json?.safeParse(more(name)).success)
}

/** A good body and one name more: nothing is set by it, and the answer says which name. */
export function extraFields(stage: Stage, spec: AnyRouteSpec): Attack[] {
  const sample = JSON.stringify(jsonSamples[spec.id])
  const known = new Set(Object.keys(jsonSamples[spec.id] ?? {}))
  return privileges
    .filter((name) => !known.has(name))
    .map((name) => ({
      name: `extra ${name}`,
      tries: 'names of fields',
      send: () => send(stage, spec, { json: sample.replace(/}$/, `,${JSON.stringify(name)}:{"admin":true}}`) }),
      wanted: { ...invalid, field: name },
    }))
}

const wrongValues: unknown[] = [
  null,
  true,
  7,
  -1,
  1e308,
  '',
  ' ',
  [],
  {},
  [[]],
  { $gt: '' },
  '\0',
  'a\0b',
  'a\r\nBcc: all@example.com',
  'a\u2028b',
  '\ud800',
  '\u202etxt',
  'x'.repeat(20_000),
  '1969-12-31T23:59:59Z',
  '2286-11-21T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '2026-13-01',
  'now-99999999999999d',
  `' OR 1=1 --`,
  '../../etc/passwd',
  '<script>alert(1)</script>',
  '{{7*7}}',
  '%00',
]

/**
 * A good body with one field made wrong. The route's schema tells which values are wrong; what it takes may succeed,
 * but a name or an e-mail takes no control characters in any case.
 */
export function wrongFields(stage: Stage, spec: AnyRouteSpec): Attack[] {
  const sample = jsonSamples[spec.id] ?? {}
  return Object.keys(sample).flatMap((field) => {
    const cases = wrongValues.map((value) => {
      const json = { ...sample, [field]: value }
      const accepted = spec.json instanceof z.ZodType && spec.json.safeParse(JSON.parse(JSON.stringify(json))).success
      return { value, json, accepted }
    })
    const verdicts = cases.map(({ accepted }) => accepted)
    const schema = fieldSchema(spec, field)
    const tries = schema === undefined ? `${spec.id}.${field}` : contractOf('body', field, schema, verdicts)
    return cases.flatMap(({ value, json, accepted }): Attack[] => {
      const mustRefuse = !accepted || (/name|email/.test(field) && typeof value === 'string' && /[\0\r\n\u2028\u202e\ud800]/.test(value))
      // What a public route takes makes it hash a password: its own tests cover that, and once is enough.
      if (!mustRefuse && spec.access === 'public') return []
      const wanted: Wanted = mustRefuse ? { ...invalid, field } : { harmless: true }
      return [{ name: `${field} = ${JSON.stringify(value).slice(0, 40)}`, tries, send: () => send(stage, spec, { json }), wanted }]
    })
  })
}

/** The schema of a field; undefined where it cannot be told. */
function fieldSchema({ json }: AnyRouteSpec, field: string): z.ZodType | undefined {
  return json instanceof z.ZodObject ? (json.shape as Record<string, z.ZodType>)[field] : undefined
}
