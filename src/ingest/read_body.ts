import { problem } from '../core/problems.ts'

/** The whole body as it was sent, counted while it arrives: Content-Length may be absent or a lie. */
export async function readBody(stream: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream ?? []) {
    size += chunk.byteLength
    if (size > bytesMax) throw problem('payload_too_large', `The body may have at most ${bytesMax} bytes as it is sent.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}
