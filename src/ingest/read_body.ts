import { problem } from '../core/problems.ts'

/**
 * The whole body as it was sent. HTTP ends a body of a declared length there, so that is read in one piece (a quarter of
 * the time); without a length it is counted while it arrives. Throws 413 beyond `bytesMax`.
 */
export async function readBody(request: Request, bytesMax: number): Promise<Buffer> {
  const declared = Number(request.headers.get('Content-Length') ?? Number.NaN)
  if (declared > bytesMax) throw tooLarge(bytesMax)
  const body = declared >= 0 ? Buffer.from(await request.arrayBuffer()) : await readCounting(request.body, bytesMax)
  if (body.length > bytesMax) throw tooLarge(bytesMax)
  return body
}

async function readCounting(stream: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream ?? []) {
    size += chunk.byteLength
    if (size > bytesMax) throw tooLarge(bytesMax)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

function tooLarge(bytesMax: number) {
  return problem('payload_too_large', `The body may have at most ${bytesMax} bytes as it is sent.`)
}
