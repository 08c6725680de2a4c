const quoted = String.raw`"((?:[^"\\]|\\.)*)"`
const pattern = new RegExp(String.raw`^(\S+) \S+ (.{1,100}?) \[[^\]]+\] ${quoted} (\d{3}) (\d+|-)(?: ${quoted} ${quoted})?$`)
const requestPattern = /^([A-Z][A-Z-]*) (\S+)(?: (HTTP\/[\d.]+))?$/

export interface AccessRecord {
  severity: 'INFO' | 'WARNING' | 'ERROR'
  attributes: Record<string, string | number>
}

/**
 * Fields of one line of an access log in the common or combined format (nginx `combined`, Apache), or undefined.
 * Severity follows the status: 5xx is an error of the server, 4xx a warning. Escapes such as `\x22` stay as written.
 */
export function parseAccess(line: string): AccessRecord | undefined {
  const match = pattern.exec(line)
  if (!match) return undefined
  const [, client = '', user = '-', request = '', status = '', bytes = '-', referer = '-', agent = '-'] = match
  const attributes: Record<string, string | number> = { client, status: Number(status) }
  if (bytes !== '-') attributes['bytes'] = Number(bytes)
  if (user !== '-') attributes['user'] = user
  const [, method, path, protocol] = requestPattern.exec(request) ?? []
  if (method !== undefined && path !== undefined) Object.assign(attributes, { method, path })
  if (protocol !== undefined) attributes['protocol'] = protocol
  if (referer !== '-') attributes['referer'] = referer
  if (agent !== '-') attributes['user_agent'] = agent
  return { severity: status >= '500' ? 'ERROR' : status >= '400' ? 'WARNING' : 'INFO', attributes }
}
