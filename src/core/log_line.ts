export type LogLevel = 'info' | 'warning' | 'error'

/** The one way out for log lines of the Worker and of the objects: one JSON object a line, as Workers Logs indexes it. */
export function writeLine(level: LogLevel, message: string, attributes: Record<string, unknown>): void {
  const text = JSON.stringify({ level, message, ...attributes })
  if (level === 'error') console.error(text)
  else console.log(text)
}
