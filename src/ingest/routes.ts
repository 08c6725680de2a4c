import { idempotencyKeyCharsMax, ingestBodyBytesMax, ingestRawBytesMax } from '../core/limits.ts'
import { logSchema } from '../core/log_schema.ts'
import { mediaTypeOf } from '../http/body.ts'
import { idempotencyKeyOf } from '../http/idempotency_key.ts'
import { route } from '../http/route.ts'
import { decompress, encodingOf } from './decompress.ts'
import { ingestLogs } from './ingest_logs.ts'
import { readBody } from './read_body.ts'
import { ingestReply } from './schema.ts'

const description = `One record (a JSON object, answered 201 with the stored log), an array of records, or NDJSON (answered 202
with counts). Acknowledged means durable. The body may be compressed with gzip, deflate, br or zstd (Content-Encoding); at most
${ingestBodyBytesMax / 2 ** 20} MiB as sent and ${ingestRawBytesMax / 2 ** 20} MiB decompressed.

With an \`Idempotency-Key\` header (1 to ${idempotencyKeyCharsMax} printable ASCII characters) the same body may be sent again within
24 hours without being stored twice; the repeat is answered like the first, with \`Idempotency-Replayed: true\`.

Fields such as \`timestamp\`, \`severity\`, \`source\`, \`message\` and the names that common loggers use for them are recognised; all others
become attributes, nested ones with dots; whatever \`attributes\` holds is never recognised. Of a name that comes twice, also after
flattening, the last value counts. A line that is no JSON object becomes a message. A record that cannot be kept is counted and listed.`

const create = route(
  {
    id: 'logs.create',
    method: 'post',
    path: '/api/v1/logs',
    summary: 'Store logs',
    description,
    access: 'logs:write',
    body: { types: ['application/json', 'application/x-ndjson', 'application/ndjson'], bytesMax: ingestBodyBytesMax },
    replies: { 201: logSchema, 202: ingestReply },
    problems: [
      'malformed_encoding',
      'malformed_json',
      'validation_failed',
      'payload_too_large',
      'unsupported_encoding',
      'idempotency_key_reused',
      'quota_exceeded',
      'shard_full',
      'unavailable',
    ],
  },
  async (_, ctx, c) => {
    const key = idempotencyKeyOf(c)
    const encoding = encodingOf(c.req.header('Content-Encoding'))
    const type = mediaTypeOf(c)?.type === 'application/json' ? 'json' : 'ndjson'
    const body = decompress(await readBody(c.req.raw, ingestBodyBytesMax), encoding)
    const { replayed, batch, log } = await ingestLogs(ctx, { body, type, idempotencyKey: key })
    const headers = replayed ? { 'Idempotency-Replayed': 'true' } : undefined
    return log === undefined ? { status: 202, body: batch, headers } : { status: 201, body: log, headers }
  },
)

export const ingestRoutes = [create]
