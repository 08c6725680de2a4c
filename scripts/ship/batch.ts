/** Raw bytes of one batch: a retry costs little, and a block of the log shard is well filled. */
const batchBytesMax = 1024 * 1024

export interface Batch {
  /** Position in its input, from 0: part of the idempotency key. */
  sequence: number
  /** NDJSON. */
  body: Buffer
  /** Line of the input that each record began at. */
  lines: number[]
}

/** Collects records into batches of limited lines and bytes; a fuller batch goes to `submit`, which may make it wait. */
export function createBatcher(recordsMax: number, submit: (batch: Batch) => Promise<void>) {
  let sequence = 0
  let records: string[] = []
  let lines: number[] = []
  let bytes = 0
  let begunMs = 0

  async function flush(): Promise<void> {
    if (records.length === 0) return
    const batch = { sequence, body: Buffer.from(`${records.join('\n')}\n`), lines }
    sequence += 1
    records = []
    lines = []
    bytes = 0
    await submit(batch)
  }

  return {
    async add(json: string, line: number): Promise<void> {
      const size = Buffer.byteLength(json) + 1
      if (bytes + size > batchBytesMax) await flush()
      if (records.length === 0) begunMs = Date.now()
      records.push(json)
      lines.push(line)
      bytes += size
      if (records.length >= recordsMax) await flush()
    },
    flush,
    /** How long the oldest record has waited, in milliseconds; 0 when there is none. */
    ageMs: (): number => (records.length === 0 ? 0 : Date.now() - begunMs),
  }
}
