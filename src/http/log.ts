import { messageOf } from '../core/error_message.ts'
import { writeLine } from '../core/log_line.ts'
import type { Log } from '../db/context.ts'

/** `line` collects what ends up on the request's one log line; warnings and errors are lines of their own. */
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
  if (!(error instanceof Error)) return String(error)
  const message = messageOf(error)
  // The stack repeats the message, so one that must not be shown takes it along; the cause has a stack as well.
  const own = message === error.message && error.stack !== undefined ? error.stack : `${error.name}: ${message}`
  return error.cause === undefined ? own : `${own}\ncaused by: ${describe(error.cause)}`
}
