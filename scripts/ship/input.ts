import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { CommandError } from '../dev/terminal.ts'

/** How often a followed file is looked at. */
const pollMs = 250
const readBytesMax = 256 * 1024

export interface Input {
  chunks: AsyncIterable<Uint8Array>
  /** Bytes to come, as far as that is known. */
  totalBytes: number | undefined
  /** Bytes read of those; of the compressed form for a compressed file. */
  readBytes(): number
}

/** Opens a file (decompressed by its ending) or standard input (`-`). Throws CommandError when it cannot be read. */
export async function openInput(file: string): Promise<Input> {
  if (file === '-') return { chunks: process.stdin, totalBytes: undefined, readBytes: () => process.stdin.bytesRead }
  const { size } = await statFile(file)
  if (isCompressed(file)) return compressedInput(file, size)
  const stream = createReadStream(file)
  return { chunks: stream, totalBytes: size, readBytes: () => stream.bytesRead }
}

/** Opens a file for good: after its end come the bytes that are appended, also when it is rotated or truncated. */
export async function followInput(file: string, signal: AbortSignal): Promise<Input> {
  if (isCompressed(file)) throw new CommandError(`${file} is compressed, so nothing is appended to it.`, 'Send it without --follow.')
  await statFile(file)
  let read = 0
  const chunks = (async function* () {
    for await (const chunk of followChunks(file, signal)) {
      read += chunk.length
      yield chunk
    }
  })()
  return { chunks, totalBytes: undefined, readBytes: () => read }
}

function isCompressed(file: string): boolean {
  return file.endsWith('.gz') || file.endsWith('.zst')
}

/**
 * A compressed file may be several frames one after the other (parallel compression, appended files). Node's zstd stream
 * ends with the first one, so the next begins where that one ended.
 */
function compressedInput(file: string, totalBytes: number): Input {
  let done = 0
  let inFrame = () => 0
  const chunks = (async function* () {
    while (done < totalBytes) {
      const frame = file.endsWith('.gz') ? createGunzip() : createZstdDecompress()
      inFrame = () => frame.bytesWritten
      const stream = createReadStream(file, { start: done })
      stream.on('error', (error) => frame.destroy(error)).pipe(frame)
      yield* frame as AsyncIterable<Uint8Array>
      stream.destroy()
      if (frame.bytesWritten === 0) throw new Error('its end is damaged')
      done += frame.bytesWritten
      inFrame = () => 0
    }
  })()
  return { chunks, totalBytes, readBytes: () => done + inFrame() }
}

async function statFile(file: string) {
  try {
    const found = await stat(file)
    if (found.isDirectory()) throw new CommandError(`${file} is a directory.`, 'Name the files in it.')
    return found
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'Check the path and its permissions.',
    )
  }
}

async function* followChunks(file: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const opened: { handle: FileHandle | undefined; position: number } = { handle: await openQuietly(file), position: 0 }
  try {
    while (!signal.aborted) {
      yield* unread(opened)
      const next = await rotated(file, opened.handle)
      if (!next) {
        await wait(pollMs, undefined, { signal }).catch(() => undefined)
        continue
      }
      // What the old file got between its last read and the change of name.
      yield* unread(opened)
      await opened.handle?.close()
      opened.handle = next
      opened.position = 0
    }
  } finally {
    await opened.handle?.close()
  }
}

async function* unread(opened: { handle: FileHandle | undefined; position: number }): AsyncGenerator<Uint8Array> {
  if (!opened.handle) return
  // A file that is shorter than what was read was truncated and begins anew.
  if ((await opened.handle.stat()).size < opened.position) opened.position = 0
  for (;;) {
    const { bytesRead, buffer } = await opened.handle.read(Buffer.allocUnsafe(readBytesMax), 0, readBytesMax, opened.position)
    if (bytesRead === 0) return
    opened.position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** The file that now has the name, when it is another one. */
async function rotated(file: string, handle: FileHandle | undefined): Promise<FileHandle | undefined> {
  const next = await openQuietly(file)
  if (!next || !handle) return next
  const [now, before] = await Promise.all([next.stat(), handle.stat()])
  if (now.ino !== before.ino || now.dev !== before.dev) return next
  await next.close()
  return undefined
}

/** Undefined while there is no such file: between the two steps of a rotation. */
async function openQuietly(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
