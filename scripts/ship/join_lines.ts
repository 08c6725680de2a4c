import { leadingTime } from './parse_time.ts'

/** A record within these fits the service's limit for one record, whatever its escapes cost. */
const recordLinesMax = 2_000
const recordCharsMax = 100_000

/** Lines that go on with the record before, whatever it is: stack traces, braces, causes, table borders. */
const continuation =
  /^(?:[ \t]|Caused by|Traceback|\[?(?:cause|errors)\]?:|During handling of |The above exception|\.\.\. \d+ more|[})\]]|[+|] |[\u2500-\u257f]|$)/

export interface JoinedLine {
  text: string
  /** Number of its first line, from 1. */
  line: number
}

/**
 * Joins the lines of one record, such as a stack trace. Where the records of an input begin with a time, a line
 * without one goes on with the record before; elsewhere only lines that look like a continuation do.
 */
export function createLineJoiner(on: boolean) {
  let lines: string[] = []
  let chars = 0
  let first = 0
  let number = 0
  let timed = 0
  let loose = 0

  function take(): JoinedLine | undefined {
    while (lines.length > 0 && lines.at(-1)?.trim() === '') lines.pop()
    const joined = lines.length > 0 ? { text: lines.join('\n'), line: first } : undefined
    lines = []
    chars = 0
    return joined
  }

  function begins(line: string): boolean {
    if (!on || line.startsWith('{"')) return true
    if (leadingTime(line, 0)) {
      timed += 1
      return true
    }
    if (lines.length === 0 || lines.length >= recordLinesMax || chars + line.length > recordCharsMax) return true
    if (continuation.test(line)) return false
    loose += 1
    // Ten loose lines a record is more than any trace; a file with more does not begin its records with times.
    return timed * 10 < loose
  }

  return {
    /** Takes the next line; answers the record before it when that is complete. */
    push(line: string): JoinedLine | undefined {
      number += 1
      const joined = begins(line) ? take() : undefined
      if (lines.length === 0) first = number
      lines.push(line)
      chars += line.length + 1
      return joined
    },
    /** The record that is still open. */
    end: take,
    /** True while a record waits for its next line. */
    isOpen: (): boolean => lines.length > 0,
  }
}
