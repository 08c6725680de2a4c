import { env } from 'cloudflare:test'
import { createCostMeter, createRunCosts } from '../../src/core/cost_meter.ts'
import type { Costs } from '../../src/core/costs.ts'
import type { BaseCtx } from '../../src/db/context.ts'
import { scryptRuns } from '../../src/features/auth/password.ts'
import { createBase } from '../../src/http/context.ts'
import { createLog } from '../../src/core/log.ts'
import { randomAddress } from './world.ts'

/** What some work cost, as far as it can be counted; `outcome` is `done` or the code of the problem that it threw. */
export interface Counted {
  outcome: string
  scryptRuns: number
  statements: number
  queueOperations: number
  batches: number
}

/** Does the work in a context whose calls are counted, and waits for what it leaves behind the answer. */
export async function counted(work: (ctx: BaseCtx) => Promise<unknown>, change: Partial<BaseCtx> = {}): Promise<Counted> {
  const costs = createRunCosts(createCostMeter())
  const requestId = crypto.randomUUID()
  const behind: Promise<unknown>[] = []
  const base = createBase(env, {
    log: createLog(requestId),
    costs,
    requestId,
    clientAddress: randomAddress(),
    waitUntil: (promise) => void behind.push(promise),
  })
  let batches = 0
  const batch: typeof base.db.batch = (statements) => {
    batches += 1
    return base.db.batch(statements)
  }
  const db = new Proxy(base.db, { get: (target, name) => (name === 'batch' ? batch : (Reflect.get(target, name) as unknown)) })
  const before = scryptRuns()
  const outcome = await work({ ...base, db, ...change }).then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )
  await Promise.all(behind)
  const { d1_statements: statements = 0, queue_operations: queueOperations = 0 }: Costs = costs.counts
  return { outcome, scryptRuns: scryptRuns() - before, statements, queueOperations, batches }
}
