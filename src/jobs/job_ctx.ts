import { createLog } from '../core/log.ts'
import type { BaseCtx } from '../db/context.ts'

/**
 * The context of one job among several of a run: all that it logs, now and behind its end, has the id of the request that it comes
 * from and what else tells it from the others. `line` is what it adds to its own line.
 */
export function jobCtx(
  base: BaseCtx,
  requestId: string,
  about: Record<string, unknown>,
): { ctx: BaseCtx; line: Readonly<Record<string, unknown>> } {
  const { line, ...log } = createLog(requestId)
  const told: BaseCtx['log'] = {
    ...log,
    warn: (message, attributes) => log.warn(message, { ...about, ...attributes }),
    error: (message, error, attributes) => log.error(message, error, { ...about, ...attributes }),
  }
  const waitUntil = (work: Promise<unknown>) =>
    base.waitUntil(work.catch((error: unknown) => told.error('work after the job failed', error)))
  return { ctx: { ...base, requestId, log: told, waitUntil }, line }
}
