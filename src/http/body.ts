import type { Context } from 'hono'
import { inspectJson } from '../core/json.ts'
import { jsonBodyBytesMax, jsonDepthMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { AppEnv } from './route.ts'

const formType = 'application/x-www-form-urlencoded'

/** The JSON (or, where allowed, form) body as a plain value. */
export async function readInput(c: Context<AppEnv>, form: boolean): Promise<unknown> {
  const type = requireType(c, form ? ['application/json', formType] : ['application/json'])
  const encoding = c.req.header('Content-Encoding')?.trim().toLowerCase()
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') {
    throw problem('unsupported_encoding', 'This operation takes an uncompressed body.')
  }
  const text = decodeUtf8(await readBytes(c, jsonBodyBytesMax))
  return type === formType ? parseForm(text) : parseJson(text)
}

/** Media type without parameters, lower-case, and its charset. */
export function mediaTypeOf(c: Context<AppEnv>): { type: string; charset: string | undefined } | undefined {
  const header = c.req.header('Content-Type')
  if (header === undefined) return undefined
  const [type = '', ...parameters] = header.split(';')
  const charset = parameters.map((part) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/i.exec(part)?.[1]).find((value) => value !== undefined)
  return { type: type.trim().toLowerCase(), charset: charset?.toLowerCase() }
}

/** The request's media type, which must be one of `types`, in UTF-8. */
export function requireType(c: Context<AppEnv>, types: readonly string[]): string {
  const media = mediaTypeOf(c)
  if (!media || !types.includes(media.type)) {
    throw problem('unsupported_media_type', `Send Content-Type: ${types.join(' or ')}.`, { headers: { Accept: types.join(', ') } })
  }
  if (media.charset !== undefined && media.charset !== 'utf-8' && media.charset !== 'utf8') {
    throw problem('unsupported_media_type', 'The body must be UTF-8.')
  }
  return media.type
}

/** The whole body, counted as it arrives: Content-Length may be absent or a lie. */
async function readBytes(c: Context<AppEnv>, bytesMax: number): Promise<Uint8Array> {
  refuseDeclaredLength(c, bytesMax)
  const chunks: Uint8Array[] = []
  let size = 0
  const body: ReadableStream<Uint8Array> | null = c.req.raw.body
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > bytesMax) throw tooLarge(bytesMax)
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

/** Answers early when the sender itself announces too much. */
export function refuseDeclaredLength(c: Context<AppEnv>, bytesMax: number): void {
  if (Number(c.req.header('Content-Length') ?? 0) > bytesMax) throw tooLarge(bytesMax)
}

function tooLarge(bytesMax: number) {
  return problem('payload_too_large', `The body may have at most ${bytesMax} bytes.`)
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    throw problem('malformed_json', 'The body is not valid UTF-8.')
  }
}

function parseJson(text: string): unknown {
  if (text.trim() === '') throw problem('malformed_json', 'The body is empty; a JSON object was expected.')
  const complaint = inspectJson(text, jsonDepthMax)
  if (complaint !== undefined) throw problem('malformed_json', complaint)
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw problem('malformed_json', `The body is not valid JSON: ${error instanceof Error ? error.message : 'syntax error'}.`)
  }
}

/** A repeated field becomes an array, which a field that wants one value then refuses. */
function parseForm(text: string): Record<string, string | string[]> {
  const values: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>
  const params = new URLSearchParams(text)
  for (const name of new Set(params.keys())) {
    const all = params.getAll(name)
    values[name] = all.length === 1 ? (all[0] ?? '') : all
  }
  return { ...values }
}
