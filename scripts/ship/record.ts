import { fieldRules } from '../../src/ingest/field_rules.ts'
import { parseAccess } from './parse_access.ts'
import { severityOfSyslog, severityOfText } from './parse_severity.ts'
import { leadingTime } from './parse_time.ts'

export interface RecordOptions {
  /** What `source` becomes where a record names none. */
  source: string
  /** Given by the user, so it also goes before what a JSON record says in other fields than `source`. */
  sourceGiven: boolean
  nowMs: number
}

/** One record of text as one line of NDJSON. A JSON object is kept as it is; of other text time and severity are read. */
export function recordJson(text: string, options: RecordOptions): string {
  if (text.startsWith('{') && !text.includes('\n')) {
    const json = fromJson(text, options)
    if (json !== undefined) return json
  }
  const time = leadingTime(text, options.nowMs)
  const access = parseAccess(text)
  const message = time ? text.slice(time.end) : text
  const severity =
    access?.severity ?? (time?.syslogSeverity === undefined ? severityOfText(message) : severityOfSyslog(time.syslogSeverity))
  return JSON.stringify({
    ...(time && { timestamp: time.timestamp }),
    ...(severity !== undefined && { severity }),
    source: options.source,
    message: message === '' ? text : message,
    ...(access && { attributes: access.attributes }),
  })
}

/** The object's own text, with a source in front where it has none; undefined when the text is no JSON object. */
function fromJson(text: string, { source, sourceGiven }: RecordOptions): string | undefined {
  let keys: string[]
  try {
    keys = Object.keys(JSON.parse(text) as object)
  } catch {
    return undefined
  }
  const named = keys.some((key) => {
    const rule = fieldRules.get(key)
    return rule?.role === 'source' && (rule.beside === undefined || keys.includes(rule.beside))
  })
  if (named && (!sourceGiven || keys.includes('source'))) return text
  const rest = text.slice(1).trimStart()
  return `{"source":${JSON.stringify(source)}${rest.startsWith('}') ? '' : ','}${rest}`
}
