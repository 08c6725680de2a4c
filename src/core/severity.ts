/** The six severities in rising order; a severity is stored as its index here. */
export const severities = ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const

export type Severity = (typeof severities)[number]

/** Counts in the order of `severities`, by name; absent ones are 0. */
export function bySeverity(counts: readonly number[]): Record<Severity, number> {
  return Object.fromEntries(severities.map((name, i) => [name, counts[i] ?? 0])) as Record<Severity, number>
}

/** Index into `severities`. */
export type SeverityIndex = 0 | 1 | 2 | 3 | 4 | 5

/** What a record that says nothing about its severity gets. */
export const severityDefault: SeverityIndex = 2

/**
 * How numbers are read; which scheme a field uses follows from its name alone (src/ingest/fields.ts).
 * - `common`: 10, 20 .. 60 as pino and bunyan write them, 0 to 7 as syslog and GELF do; nothing else.
 * - `syslog`: 0 (emergency) to 7 (debug), RFC 5424.
 * - `opentelemetry`: 1 to 24, four numbers to a severity (OpenTelemetry logs data model, SeverityNumber).
 * - `python`: 10 (DEBUG) to 50 (CRITICAL), which pino's 20 (DEBUG) to 60 (fatal) contradicts.
 */
export type SeverityScheme = 'common' | 'syslog' | 'opentelemetry' | 'python'

/** Names that producers use, by severity; upper case here, any case in logs. */
const names: readonly (readonly string[])[] = [
  ['TRACE', 'TRC', 'T', 'VERBOSE', 'VRB', 'V', 'SILLY', 'FINEST', 'FINER'],
  ['DEBUG', 'DBG', 'D', 'D1', 'D2', 'D3', 'D4', 'D5', 'FINE', 'CONFIG'],
  ['INFO', 'INF', 'I', 'INFORMATION', 'INFORMATIONAL', 'NOTICE', 'N', 'LOG', 'DEFAULT', 'SUCCESS'],
  ['WARNING', 'WARN', 'WRN', 'W'],
  ['ERROR', 'ERR', 'E', 'SEVERE'],
  ['CRITICAL', 'CRIT', 'C', 'FATAL', 'FTL', 'F', 'PANIC', 'DPANIC', 'EMERG', 'EMERGENCY', 'ALERT'],
]

const syslogIndexes: readonly SeverityIndex[] = [5, 5, 5, 4, 3, 2, 2, 1]
const byName = buildNames()

/** The severity that a field's value names, or undefined when it names none. Numbers may come as text. */
export function severityFrom(value: unknown, scheme: SeverityScheme = 'common'): SeverityIndex | undefined {
  if (typeof value === 'string') return severityFromText(value, scheme)
  if (typeof value !== 'number' || !Number.isInteger(value)) return undefined
  switch (scheme) {
    case 'syslog':
      return syslogIndexes[value]
    case 'opentelemetry':
      return value >= 1 && value <= 24 ? (Math.ceil(value / 4 - 1) as SeverityIndex) : undefined
    case 'python':
      return value >= 5 && value <= 50 ? (Math.floor(value / 10) as SeverityIndex) : undefined
    case 'common':
      if (value % 10 === 0 && value >= 10 && value <= 60) return (value / 10 - 1) as SeverityIndex
      return syslogIndexes[value]
  }
}

/** The severity that a name or alias (in any case) or digits stand for. */
export function severityFromText(text: string, scheme: SeverityScheme = 'common'): SeverityIndex | undefined {
  const known = byName.get(text)
  if (known !== undefined) return known
  if (text.length > nameCharsMax) return undefined
  const trimmed = text.trim()
  return digits.test(trimmed) ? severityFrom(Number(trimmed), scheme) : byName.get(trimmed.toUpperCase())
}

/** Longer texts are no severity, so they need not be folded. */
const nameCharsMax = 32
const digits = /^\d{1,3}$/

/** Upper, lower and capitalised forms stand in the map, so that the usual ones cost one look-up. */
function buildNames(): ReadonlyMap<string, SeverityIndex> {
  const map = new Map<string, SeverityIndex>()
  const add = (name: string, index: SeverityIndex) => {
    for (const form of [name, name.toLowerCase(), name.charAt(0) + name.slice(1).toLowerCase()]) map.set(form, index)
  }
  for (const [index, group] of names.entries()) for (const name of group) add(name, index as SeverityIndex)
  // OpenTelemetry's short names: TRACE2 to FATAL4.
  for (const [index, name] of ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].entries()) {
    for (const step of [2, 3, 4]) add(`${name}${step}`, index as SeverityIndex)
  }
  return map
}
