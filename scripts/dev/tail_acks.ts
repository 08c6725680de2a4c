/** A tail may have 10,000 rows or 4 MiB on their way: at 20,000 rows a second this is still in time. */
const ackEveryMs = 500

/** Call the result at each message: it acknowledges the newest cursor twice a second at most, and the last one always. */
export function createAcks(send: (text: string) => void, newestCursor: () => string | undefined): () => void {
  let planned = false
  const acknowledge = () => {
    planned = false
    const cursor = newestCursor()
    if (cursor !== undefined) send(JSON.stringify({ type: 'ack', cursor }))
  }
  return () => {
    if (planned) return
    planned = true
    setTimeout(acknowledge, ackEveryMs)
  }
}
