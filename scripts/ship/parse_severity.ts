import { severities, severityFrom, severityFromText } from '../../src/core/severity.ts'
import type { Severity } from '../../src/core/severity.ts'

/** A severity stands near the beginning; further words are prose. */
const headChars = 160
/** `ERROR`, `[warn]`, `<info>`, `level=debug`, or `warning:` as the very first word. */
const pattern =
  /(?:^|[\s|\]:])(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|FATAL|CRIT|CRITICAL|ALERT|EMERG|PANIC)(?=$|[\s:|,\]])|[[<(](\w{3,11})[\])>]|\b(?:level|lvl|severity)=["']?(\w{3,13})|^(\w{3,11}):\s/g

/** The severity that the head of a plain text line names, or undefined. */
export function severityOfText(text: string): Severity | undefined {
  const line = text.slice(0, headChars).split('\n', 1)[0] ?? ''
  for (const match of line.matchAll(pattern)) {
    const word = match[1] ?? match[2] ?? match[3] ?? match[4] ?? ''
    if (/^\d/.test(word)) continue
    const index = severityFromText(word)
    if (index !== undefined) return severities[index]
  }
  return undefined
}

export function severityOfSyslog(number: number): Severity | undefined {
  const index = severityFrom(number, 'syslog')
  return index === undefined ? undefined : severities[index]
}
