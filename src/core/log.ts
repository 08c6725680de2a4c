import { messageOf } from './error_message.ts'
import { writeLine } from './log_line.ts'

/** The own voice of a request or job: `add` puts attributes on its one log line, the others write a line at once. No secrets, no bodies. */
export interface Log {
  add(attributes: Record<string, unknown>): void
  warn(message: string, attributes?: Record<string, unknown>): void
  error(message: string, error: unknown, attributes?: Record<string, unknown>): void
}

/** `line` collects what ends up on the one log line of a request or job; warnings and errors are lines of their own. */
export function createLog(requestId: string): Log & { line: Record<string, unknown> } {
  const line: Record<string, unknown> = {}
  return {
    line,
    add: (attributes) => void Object.assign(line, attributes),
    warn: (message, attributes) => writeLine('warning', message, { request_id: requestId, ...attributes }),
    error: (message, error, attributes) => writeLine('error', message, { request_id: requestId, error: describe(error), ...attributes }),
  }
}

/** Name, message and stack of an error and of its causes; never its other properties, which may hold a request. */
function describe(error: unknown): string {
  // An error of another realm, such as the runtime's own, is no Error here; of what else there is nothing may be shown.
  if (!(error instanceof Error)) return foreignMessage(error) ?? typeof error
  const message = messageOf(error)
  // The stack repeats the message, so one that must not be shown takes it along; the cause has a stack as well.
  const own = message === error.message && error.stack !== undefined ? error.stack : `${error.name}: ${message}`
  return error.cause === undefined ? own : `${own}\ncaused by: ${describe(error.cause)}`
}

function foreignMessage(error: unknown): string | undefined {
  if (typeof error === 'string') return error
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : undefined
  return typeof message === 'string' ? message : undefined
}
