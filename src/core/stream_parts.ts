/** What is told of a stream that breaks off: the log of a request. */
interface ErrorLog {
  error(message: string, error: unknown): void
}

/**
 * The parts of a file as a stream, for exports of any length: a part is made only when the receiver has taken the one before.
 * The first comes before this answers, so that what fails at once is still a problem document. Later the answer has begun, and
 * all that can be done is to break it off, so that nobody takes it for whole.
 */
export async function streamParts(
  log: ErrorLog,
  what: string,
  parts: AsyncGenerator<string | Uint8Array, void>,
): Promise<ReadableStream<Uint8Array>> {
  let part = await parts.next()
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          // An empty part gives nothing to enqueue, and no call of this would follow.
          while (part.done !== true && part.value.length === 0) part = await parts.next()
          if (part.done === true) return controller.close()
          controller.enqueue(typeof part.value === 'string' ? encoder.encode(part.value) : part.value)
          part = { done: false, value: '' }
        } catch (error) {
          log.error(`${what} broke off`, error)
          controller.error(error)
        }
      },
      async cancel() {
        await parts.return()
      },
    },
    // No part is made ahead of the receiver.
    { highWaterMark: 0 },
  )
}
