/** Deterministic JSON log lines of about 220 bytes, shaped like an HTTP service's log. */

const sources = ['api', 'checkout', 'search', 'auth', 'worker']
const levels = ['info', 'info', 'info', 'warn', 'debug', 'error']
const paths = ['/api/v1/orders', '/api/v1/cart', '/api/v1/items', '/login', '/health']

/** xorshift32: numbers in [0, 1) that are the same in every run. */
export function randomFrom(seed: number): () => number {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 0x1_0000_0000
  }
}

/** `count` lines without line ends; event times rise from `startMs` by about 2 ms a line. */
export function jsonLines(count: number, startMs: number, seed: number): string[] {
  const random = randomFrom(seed)
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? ''
  const lines: string[] = []
  for (let i = 0; i < count; i++) {
    const id = Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0')
    const duration = Math.floor(random() * 90_000) / 1000
    const path = pick(paths)
    lines.push(
      JSON.stringify({
        timestamp: new Date(startMs + i * 2).toISOString(),
        level: pick(levels),
        service: pick(sources),
        message: `request ${id} to ${path} finished in ${duration} ms`,
        request_id: id,
        status: random() < 0.9 ? 200 : 502,
        duration_ms: duration,
        user_id: Math.floor(random() * 5000),
        path,
      }),
    )
  }
  return lines
}
