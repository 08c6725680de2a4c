import { readdirSync, readFileSync } from 'node:fs'

/** One look at the workerd process. */
export interface Sample {
  /** Since the sampler started. */
  seconds: number
  /** Resident memory of the whole process: every isolate, the simulated D1, R2 and KV, SQLite's caches. */
  rssMb: number
  /** JavaScript heap of the isolate that runs Worker and Durable Objects, and the buffers outside of it; null when nobody can be asked. */
  heapMb: number | null
  buffersMb: number | null
  phase: string
}

export interface Sampler {
  /** What the samples from now on belong to. */
  phase(name: string): void
  samples(): readonly Sample[]
  /** Processor time that workerd has used, milliseconds. */
  cpuMs(): number
  stop(): void
}

/** Looks at workerd each second; only Linux tells. `inspector` is the WebSocket of the isolate's inspector. */
export function sampleWorkerd(inspector: string | undefined): Sampler {
  const pid = childPid('workerd')
  const samples: Sample[] = []
  const began = performance.now()
  let phase = 'start'
  const heap = inspector === undefined ? undefined : openHeap(inspector)
  const look = async (): Promise<void> => {
    const usage = await heap?.usage()
    const seconds = Math.round((performance.now() - began) / 1000)
    const mb = (bytes: number | undefined) => (bytes === undefined ? null : bytes / 2 ** 20)
    samples.push({ seconds, rssMb: rssMb(pid), heapMb: mb(usage?.usedSize), buffersMb: mb(usage?.backingStorageSize), phase })
  }
  const timer = setInterval(() => void look(), 1000)
  return {
    phase: (name) => void (phase = name),
    samples: () => samples,
    cpuMs: () => cpuMs(pid),
    stop() {
      clearInterval(timer)
      heap?.close()
    },
  }
}

interface HeapUsage {
  usedSize: number
  backingStorageSize?: number
}

/** Asks for the heap's size over the inspector protocol; one question at a time, given up after half a second. */
function openHeap(address: string) {
  const socket = new WebSocket(address)
  const waiting = new Map<number, (usage: HeapUsage | undefined) => void>()
  let next = 0
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: HeapUsage }
    if (id !== undefined) waiting.get(id)?.(result)
  })
  return {
    usage(): Promise<HeapUsage | undefined> {
      if (socket.readyState !== WebSocket.OPEN) return Promise.resolve(undefined)
      const id = ++next
      socket.send(JSON.stringify({ id, method: 'Runtime.getHeapUsage' }))
      return new Promise((resolve) => {
        const done = (usage: HeapUsage | undefined) => {
          waiting.delete(id)
          resolve(usage)
        }
        waiting.set(id, done)
        setTimeout(() => done(undefined), 500)
      })
    },
    close: () => socket.close(),
  }
}

function childPid(name: string): number | undefined {
  if (process.platform !== 'linux') return undefined
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const stat = read(`/proc/${entry}/stat`)
    const [, command, parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(stat) ?? []
    if (command === name && parent === `${process.pid}`) return Number(entry)
  }
  return undefined
}

function rssMb(pid: number | undefined): number {
  const kib = pid === undefined ? undefined : /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1]
  return kib === undefined ? Number.NaN : Number(kib) / 1024
}

/** User and system time; Linux counts them in hundredths of a second. */
function cpuMs(pid: number | undefined): number {
  if (pid === undefined) return Number.NaN
  const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Empty when the process has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
