import { formatTimestamp, parseTimestamp } from '../../src/core/time.ts'

/** A time that a line begins with. `end` is where the rest of the line begins. */
export interface LeadingTime {
  /** RFC 3339, UTC. */
  timestamp: string
  end: number
  /** 0 to 7 where a syslog priority stood in front. */
  syslogSeverity?: number
}

const month = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
const clock = String.raw`\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?`
const zone = String.raw`(?:\s?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?`
const priority = String.raw`(?:<(\d{1,3})>(?:1 )?)?`
/** `2026-11-22T07:06:11.782Z`, `2026-11-22 07:06:11,649`, `[2026/11/22 07:06:11 +0100]`. */
const isoPattern = new RegExp(String.raw`^${priority}(\[?)(\d{4}[-/]\d\d[-/]\d\d[T ]${clock}${zone})(?![\d:])\]?:?\s*`)
/** `Nov 22 07:06:11`, with an optional year; the usual form of syslog files. */
const syslogPattern = new RegExp(String.raw`^${priority}(${month}) ([ \d]\d) (?:(\d{4}) )?(\d\d:\d\d:\d\d(?:\.\d{1,9})?)\s+`)
/** `1795331057.123 `, as the Linux `date +%s.%N` and squid write it. */
const epochPattern = /^\[?(\d{10}\.\d{1,9})\]?\s+/
/** `192.0.2.1 - alice [22/Nov/2026:07:04:17 +0000] `: access logs in the common and combined formats. */
const accessPattern = /^\S+ \S+ .{1,100}?\[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] /

/** Undefined when the line begins with no time. Times without a zone are taken as UTC, those without a year as the latest such day. */
export function leadingTime(line: string, nowMs: number): LeadingTime | undefined {
  const first = line.charCodeAt(0)
  if (Number.isNaN(first) || first === 0x20 || first === 0x09) return undefined
  return iso(line) ?? syslog(line, nowMs) ?? epoch(line) ?? access(line)
}

function iso(line: string): LeadingTime | undefined {
  const match = isoPattern.exec(line)
  if (!match) return undefined
  return found(match[3], match[0].length, match[1])
}

function syslog(line: string, nowMs: number): LeadingTime | undefined {
  const match = syslogPattern.exec(line)
  if (!match) return undefined
  const [whole, pri, name = '', day = '', givenYear, time = ''] = match
  const number = String('JanFebMarAprMayJunJulAugSepOctNovDec'.indexOf(name) / 3 + 1).padStart(2, '0')
  const inYear = (year: number) => `${year}-${number}-${day.trim().padStart(2, '0')}T${time}Z`
  const year = givenYear === undefined ? new Date(nowMs).getUTCFullYear() : Number(givenYear)
  // A day of slack for clocks and zones; a December line read in January is from last year.
  const future = givenYear === undefined && (parseTimestamp(inYear(year))?.ms ?? 0) > nowMs + 86_400_000
  return found(inYear(future ? year - 1 : year), whole.length, pri)
}

function epoch(line: string): LeadingTime | undefined {
  const match = epochPattern.exec(line)
  return match ? found(match[1], match[0].length) : undefined
}

function access(line: string): LeadingTime | undefined {
  const match = accessPattern.exec(line)
  // The address in front belongs to the message.
  return match ? found(match[1], 0) : undefined
}

function found(text: string | undefined, end: number, pri?: string): LeadingTime | undefined {
  const time = parseTimestamp(text ?? '')
  if (!time) return undefined
  const syslogSeverity = pri === undefined ? undefined : Number(pri) & 7
  return { timestamp: formatTimestamp(time.ms, time.ns), end, ...(syslogSeverity !== undefined && { syslogSeverity }) }
}
