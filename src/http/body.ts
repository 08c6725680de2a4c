import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { concatBytes } from '../core/bytes.ts'
import { inspectJson } from '../core/json.ts'
import { jsonDepthMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { AppEnv } from './route.ts'

export const formType = 'application/x-www-form-urlencoded'

/** What the headers tell of a body that the handler reads: its type, and that the sender does not announce too much. */
export function checkHead(types: readonly string[], bytesMax: number): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    requireType(c, types)
    if (Number(c.req.header('Content-Length') ?? 0) > bytesMax) throw tooLarge(bytesMax)
    await next()
  }
}

/** What must hold of a JSON or form body before its schema is asked. Hono keeps the bytes for the validator. */
export function checkText(types: readonly string[], bytesMax: number): MiddlewareHandler<AppEnv>[] {
  return [
    async (c, next) => {
      requireType(c, types)
      refuseEncoding(c)
      await next()
    },
    limitText(bytesMax),
    async (c, next) => {
      const text = decodeUtf8(await c.req.arrayBuffer())
      if (mediaTypeOf(c)?.type !== formType) refuseMalformed(text)
      await next()
    },
  ]
}

/** The body that a handler reads itself, whole; throws 413 when it is longer, whatever the headers announced. */
export async function readBytes(c: Context<AppEnv>, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length
    if (bytes > bytesMax) throw tooLarge(bytesMax)
    parts.push(part)
  }
  return concatBytes(...parts)
}

/** Believes Content-Length, by which the runtime frames the body, and counts a body that comes without one. */
function limitText(bytesMax: number): MiddlewareHandler<AppEnv> {
  return bodyLimit({
    maxSize: bytesMax,
    onError: () => {
      throw tooLarge(bytesMax)
    },
  })
}

/** Media type without parameters, lower-case, and its charset. */
export function mediaTypeOf(c: Context<AppEnv>): { type: string; charset: string | undefined } | undefined {
  const header = c.req.header('Content-Type')
  if (header === undefined) return undefined
  const [type = '', ...parameters] = header.split(';')
  const charset = parameters.map((part) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/i.exec(part)?.[1]).find((value) => value !== undefined)
  return { type: type.trim().toLowerCase(), charset: charset?.toLowerCase() }
}

/** The request's media type must be one of `types`, in UTF-8. */
function requireType(c: Context<AppEnv>, types: readonly string[]): void {
  const media = mediaTypeOf(c)
  if (!media || !types.includes(media.type)) {
    throw problem('unsupported_media_type', `Send Content-Type: ${types.join(' or ')}.`, { headers: { Accept: types.join(', ') } })
  }
  if (media.charset !== undefined && media.charset !== 'utf-8' && media.charset !== 'utf8') {
    throw problem('unsupported_media_type', 'The body must be UTF-8.')
  }
}

function refuseEncoding(c: Context<AppEnv>): void {
  const encoding = c.req.header('Content-Encoding')?.trim().toLowerCase()
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') {
    throw problem('unsupported_encoding', 'This operation takes an uncompressed body.')
  }
}

function tooLarge(bytesMax: number) {
  return problem('payload_too_large', `The body may have at most ${bytesMax} bytes.`)
}

function decodeUtf8(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    throw problem('malformed_json', 'The body is not valid UTF-8.')
  }
}

/** Parses only to say what is wrong, which Hono's own parser keeps to itself. */
function refuseMalformed(text: string): void {
  if (text.trim() === '') throw problem('malformed_json', 'The body is empty; a JSON object was expected.')
  const complaint = inspectJson(text, jsonDepthMax)
  if (complaint !== undefined) throw problem('malformed_json', complaint)
  try {
    JSON.parse(text)
  } catch (error) {
    throw problem('malformed_json', `The body is not valid JSON: ${error instanceof Error ? error.message : 'syntax error'}.`)
  }
}
