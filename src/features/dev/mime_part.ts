import { fromBase64 } from '../../core/bytes.ts'

/** The first part of a type in a MIME message (RFC 2045 and 2046) of ours, decoded; undefined when it has none. */
export function mimePart(message: string, type: string): string | undefined {
  const end = message.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const headers = headersOf(message.slice(0, end))
  const body = message.slice(end + 4)
  const contentType = headers.get('content-type') ?? 'text/plain'
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1]
  if (boundary === undefined)
    return contentType.startsWith(type) ? decoded(body, headers.get('content-transfer-encoding') ?? '7bit') : undefined
  // Before the first boundary and behind the last one stands nothing of ours.
  const parts = `\r\n${body}`.split(`\r\n--${boundary}`).slice(1, -1)
  for (const part of parts) {
    const found = mimePart(part.replace(/^[ \t]*\r\n/, ''), type)
    if (found !== undefined) return found
  }
  return undefined
}

/** By lower-case name, with folded lines joined. */
function headersOf(head: string): Map<string, string> {
  const lines = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n')
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
}

function decoded(body: string, encoding: string): string {
  const utf8 = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
  if (/^base64$/i.test(encoding)) return utf8(fromBase64(body.replaceAll(/\s/g, '')))
  if (!/^quoted-printable$/i.test(encoding)) return body
  const joined = body.replaceAll(/=\r\n/g, '')
  const bytes: number[] = []
  for (let i = 0; i < joined.length; i++) {
    const isEscape = joined[i] === '='
    bytes.push(isEscape ? Number.parseInt(joined.slice(i + 1, i + 3), 16) : joined.charCodeAt(i))
    if (isEscape) i += 2
  }
  return utf8(Uint8Array.from(bytes))
}
