import fc from 'fast-check'
import { runs } from '../../support/effort.ts'

/** What each fuzzer gets: `npm run fuzz -- --seconds N` sets it, otherwise a second, scaled by TEST_EFFORT. */
const milliseconds = process.env['FUZZ_SECONDS'] === undefined ? runs(1000) : Number(process.env['FUZZ_SECONDS']) * 1000

/** No input of some kilobytes may take longer; other work of the machine is in it. */
const inputMsMax = 3000

/** Longer than a fuzzer runs, shrinking included. */
export const fuzzTimeoutMs = milliseconds * 2 + 60_000

/** Tries inputs until the time is over, and answers how many; throws for one that makes `attempt` throw, or take too long. */
export function fuzz<T>(inputs: fc.Arbitrary<T>, attempt: (input: T) => void): number {
  let tried = 0
  const property = fc.property(inputs, (input) => {
    const began = performance.now()
    attempt(input)
    const took = performance.now() - began
    if (took > inputMsMax) throw new Error(`it took ${Math.round(took)} ms`)
    tried++
  })
  fc.assert(property, { numRuns: 1e9, interruptAfterTimeLimit: milliseconds, markInterruptAsFailure: false })
  return tried
}

/** Fails an attempt. */
export function demand(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what)
}

/** Passes over the errors of a reader's own kind: refusing is right. */
export function refusing(kind: new (...args: never[]) => Error, work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof kind)) throw error
  }
}

/** Text with pieces of a syntax, whole and broken, between anything else. */
export function textOf(...pieces: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
    { weight: 1, arbitrary: fc.constantFrom(' ', '\\', '"', '\0', '\ud800', '\u0130', '1e999', '-0', '\u200b') },
  )
  return fc.oneof(
    { weight: 8, arbitrary: fc.array(piece, { maxLength: 24 }).map((parts) => parts.join('')) },
    // The same piece over and over: nesting, long lists, quadratic loops.
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.array(piece, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 1500 }))
        .map(([parts, n]) => parts.join('').repeat(n)),
    },
  )
}

/** One change of bytes; places wrap around. */
interface Change {
  kind: 'set' | 'xor' | 'number' | 'cut' | 'insert' | 'repeat'
  at: number
  /** A byte, a number of four bytes, or a length. */
  value: number
}

const anyChange: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constantFrom('set' as const, 'xor' as const), at: fc.nat(), value: fc.nat(255) }),
  fc.record({
    kind: fc.constant('number' as const),
    at: fc.nat(),
    value: fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 65_536, 131_072),
  }),
  fc.record({
    kind: fc.constantFrom('cut' as const, 'insert' as const, 'repeat' as const),
    at: fc.nat(),
    value: fc.integer({ min: 1, max: 64 }),
  }),
)

export const anyChanges = fc.array(anyChange, { minLength: 1, maxLength: 5 })

/** A changed copy; changes begin at `from` or behind it. */
export function changed(bytes: Uint8Array, changes: readonly Change[], from = 0): Uint8Array {
  let now: Uint8Array = bytes.slice()
  for (const { kind, at, value } of changes) {
    if (now.length <= from) return now
    const start = from + (at % (now.length - from))
    if (kind === 'set') now[start] = value
    else if (kind === 'xor') now[start]! ^= value
    else if (kind === 'number') now.set(fourBytes(value).subarray(0, now.length - start), start)
    else if (kind === 'cut') now = joined(now.subarray(0, start), now.subarray(start + value))
    else {
      const piece = kind === 'repeat' ? now.subarray(start, start + value) : new Uint8Array(value)
      now = joined(now.subarray(0, start), piece, now.subarray(start))
    }
  }
  return now
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

function fourBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
