import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { ingestRawBytesMax, recordBytesMax } from '../../../src/core/limits.ts'
import type { AnyRouteSpec } from '../../../src/http/route.ts'
import { bombs } from './bombs.ts'
import type { Attack, Wanted } from './refusal.ts'
import { send } from './stage.ts'
import type { Stage } from './stage.ts'

const json = { 'Content-Type': 'application/json' }
const ndjson = { 'Content-Type': 'application/x-ndjson' }
const good = '{"message":"hostile"}'

/** Formats of which a body may hold only one stream. */
const single = [
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
] as const
const encoders = [...single, ['gzip', gzipSync], ['zstd', zstdCompressSync]] as const

/** Bodies of which no row may be stored: for routes that read the body themselves. */
export function brokenRawBodies(stage: Stage, spec: AnyRouteSpec): Attack[] {
  const cases: [string, BodyInit, Record<string, string>, Wanted][] = [
    ['empty', '', json, { status: 400 }],
    ['empty NDJSON', '', ndjson, { status: 400 }],
    ['blank NDJSON', '\n\r\n \n', ndjson, { status: 400 }],
    ['an empty array', '[]', json, { status: 400 }],
    ['an empty object', '{}', json, { status: 400 }],
    ['a number', '7', json, { status: 400 }],
    ['null', 'null', json, { status: 400 }],
    ['a truncated object', '{"message":"a', json, { status: 400 }],
    ['a truncated array', `[${good},{"message":`, json, { status: 400 }],
    ['two documents', good + good, json, { status: 400 }],
    ['an array of no objects', '[1,null,[],true]', json, { status: 400 }],
    ['one record nested 200,000 deep', '{"a":'.repeat(200_000) + '1' + '}'.repeat(200_000), json, { status: 400 }],
    ['an array 200,000 deep', '['.repeat(200_000) + ']'.repeat(200_000), json, { status: 400 }],
    [
      '1,000,000 names',
      gzipSync(`{${Array.from({ length: 1_000_000 }, (_, i) => `"k${i}":1`).join(',')}}`),
      { ...json, 'Content-Encoding': 'gzip' },
      { status: 400 },
    ],
    ['a record beyond its limit', JSON.stringify({ message: 'x'.repeat(recordBytesMax) }), json, { status: 400 }],
    ['a time before 1970', '{"timestamp":"1969-12-31T23:59:59Z"}', json, { status: 400 }],
    ['a time after 2286', '{"timestamp":"2286-11-21T00:00:00Z"}', json, { status: 400 }],
    ['a day that does not exist', '{"timestamp":"2026-02-30T00:00:00Z"}', json, { status: 400 }],
    ['a severity that does not exist', '{"severity":"LOUD"}', json, { status: 400 }],
    ['10 MiB and a byte', new Uint8Array(10 * 1024 * 1024 + 1).fill(0x20), ndjson, { status: 413 }],
    [
      'too much after decompression',
      gzipSync(Buffer.alloc(ingestRawBytesMax + 1, '{}\n')),
      { ...ndjson, 'Content-Encoding': 'gzip' },
      { status: 413 },
    ],
    ...bombs.map(({ encoding, bytes }): [string, BodyInit, Record<string, string>, Wanted] => [
      `${encoding} bomb`,
      bytes(),
      { ...ndjson, 'Content-Encoding': encoding },
      { status: 413 },
    ]),
    ...['gzip', 'deflate', 'br', 'zstd'].map((encoding): [string, BodyInit, Record<string, string>, Wanted] => [
      `plain text as ${encoding}`,
      good,
      { ...json, 'Content-Encoding': encoding },
      { status: 400 },
    ]),
    ['cut gzip', gzipSync(good.repeat(100)).subarray(0, 20), { ...ndjson, 'Content-Encoding': 'gzip' }, { status: 400 }],
    ...encoders.map(([encoding, encode]): [string, BodyInit, Record<string, string>, Wanted] => [
      `${encode.name} with rubbish behind`,
      Buffer.concat([encode(good), Buffer.from('rubbish')]),
      { ...json, 'Content-Encoding': encoding },
      { status: 400, code: 'malformed_encoding' },
    ]),
    ...single.map(([encoding, encode]): [string, BodyInit, Record<string, string>, Wanted] => [
      `${encode.name} twice`,
      Buffer.concat([encode(`${good}\n`), encode(good)]),
      { ...ndjson, 'Content-Encoding': encoding },
      { status: 400, code: 'malformed_encoding' },
    ]),
    ['double encoding', gzipSync(gzipSync(good)), { ...json, 'Content-Encoding': 'gzip, gzip' }, { status: 415 }],
    ['two encodings', deflateSync(gzipSync(good)), { ...json, 'Content-Encoding': 'gzip, deflate' }, { status: 415 }],
    ['an unknown encoding', good, { ...json, 'Content-Encoding': 'compress' }, { status: 415 }],
    ['no type', new TextEncoder().encode(good), {}, { status: 415 }],
    ['another type', good, { 'Content-Type': 'text/plain' }, { status: 415 }],
    ['a form', 'message=a', { 'Content-Type': 'application/x-www-form-urlencoded' }, { status: 415 }],
    ['another charset', good, { 'Content-Type': 'application/json; charset=utf-16' }, { status: 415 }],
    ['an idempotency key too long', good, { ...json, 'Idempotency-Key': 'x'.repeat(256) }, { status: 400, field: 'Idempotency-Key' }],
    ['an empty idempotency key', good, { ...json, 'Idempotency-Key': '' }, { status: 400, field: 'Idempotency-Key' }],
  ]
  return cases.map(([name, body, headers, wanted]) => ({ name, send: () => send(stage, spec, { body, headers }), wanted }))
}

/** Odd content that is kept: none of it may cost more than itself. Each is one record. */
export const oddRecords: readonly [string, string][] = [
  ['names like privileges', '{"organization_id":"x","id":"y","created_at":"z","role":"owner","message":"a"}'],
  ['__proto__ and constructor', '{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}},"message":"a"}'],
  ['a name twice', '{"message":"a","message":"b"}'],
  ['NUL', '{"message":"a\\u0000b","n\\u0000me":"x"}'],
  ['lone surrogates', '{"message":"\\ud800","\\udfff":"x"}'],
  ['CR and LF', '{"message":"a\\r\\nSet-Cookie: x","source":"a\\r\\nb"}'],
  ['a line of 200 KB', JSON.stringify({ message: 'x'.repeat(200_000) })],
  ['the first moment', '{"timestamp":"1970-01-01T00:00:00Z","message":"a"}'],
  ['the last moment', '{"timestamp":"2286-11-20T17:46:39.999Z","message":"a"}'],
  ['numbers beyond a double', '{"n":123456789012345678901234567890,"f":1e400,"z":-0,"message":"a"}'],
  ['empty texts', '{"message":"","source":"","":""}'],
]
