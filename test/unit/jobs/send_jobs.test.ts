import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { backOffSeconds } from '../../../src/core/back_off.ts'
import type { TaskJob } from '../../../src/core/jobs.ts'
import { jobAttemptsMax, jobBatchBytesMax, jobBatchMessagesMax, jobRetrySeconds, jobRetrySecondsMax } from '../../../src/core/limits.ts'
import { sendJobs } from '../../../src/db/jobs.ts'
import type { BaseCtx } from '../../../src/db/context.ts'

const id = '01923f00-0000-7000-8000-00000000000a'
const purge = (more: Partial<Extract<TaskJob, { kind: 'purge' }>> = {}): TaskJob => ({ kind: 'purge', thing: 'user', id, ...more })

/** A message of so many bytes, of a form that has a text. */
const round = (bytes: number): TaskJob => ({ kind: 'retention', after: { organization_id: 'x'.repeat(bytes), number: 0 } })

/** A queue that keeps what each call sends. */
function queue() {
  const calls: { bodies: TaskJob[]; delaySeconds: number | undefined }[] = []
  const sendBatch = async (messages: { body: TaskJob }[], options?: QueueSendBatchOptions) => {
    calls.push({ bodies: messages.map(({ body }) => body), delaySeconds: options?.delaySeconds })
  }
  const ctx = { env: { TASK_JOBS: { sendBatch } }, requestId: 'own' } as unknown as Pick<BaseCtx, 'env' | 'requestId'>
  return { ctx, calls }
}

const bytesOf = (bodies: readonly TaskJob[]) => bodies.reduce((sum, body) => sum + Buffer.byteLength(JSON.stringify(body)), 0)

describe('jobs that are sent', () => {
  it('have the id of the request that sends them, unless they come from another', async () => {
    const { ctx, calls } = queue()
    await sendJobs(ctx, 'task-jobs', [purge(), purge({ request_id: 'first' }), purge({ request_id: undefined })])
    expect(calls[0]?.bodies.map(({ request_id }) => request_id)).toEqual(['own', 'first', 'own'])
  })

  it('are none for none, without a call', async () => {
    const { ctx, calls } = queue()
    await sendJobs(ctx, 'task-jobs', [])
    expect(calls).toEqual([])
  })

  it('go in calls that the platform takes, in order, with their delay', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 12 }),
        fc.integer({ min: 0, max: 250 }),
        async (sizes, small) => {
          const jobs = [...sizes.map(round), ...Array.from({ length: small }, (_, n) => purge({ request_id: `r${n}` }))]
          const { ctx, calls } = queue()
          await sendJobs(ctx, 'task-jobs', jobs, { delaySeconds: 7 })
          for (const { bodies, delaySeconds } of calls) {
            expect(bodies.length).toBeLessThanOrEqual(jobBatchMessagesMax)
            expect(bytesOf(bodies)).toBeLessThanOrEqual(jobBatchBytesMax)
            expect(delaySeconds).toBe(7)
          }
          const sent = calls.flatMap(({ bodies }) => bodies)
          expect(sent).toEqual(jobs.map((job) => ({ ...job, request_id: job.request_id ?? 'own' })))
        },
      ),
      { numRuns: 30 },
    )
  })

  it('are refused when one is too long to be ours, before any is sent', async () => {
    const { ctx, calls } = queue()
    await expect(sendJobs(ctx, 'task-jobs', [purge(), round(120_000)])).rejects.toThrow('too long for a queue')
    expect(calls).toEqual([])
  })
})

describe('the wait before a job is tried again', () => {
  it('grows with each attempt up to an hour, and differs between messages', () => {
    fc.assert(
      fc.property(fc.uuid(), (key) => {
        const waits = Array.from({ length: jobAttemptsMax }, (_, n) => backOffSeconds(key, n + 1))
        const growing: number[] = []
        for (const [n, wait] of waits.entries()) {
          const longest = Math.min(jobRetrySecondsMax, jobRetrySeconds * 2 ** n)
          expect(wait).toBeGreaterThanOrEqual(longest / 2)
          expect(wait).toBeLessThanOrEqual(longest)
          if (longest < jobRetrySecondsMax) growing.push(wait)
        }
        expect(growing).toEqual(growing.toSorted((a, b) => a - b))
      }),
    )
    const waits = new Set(Array.from({ length: 100 }, (_, n) => backOffSeconds(`message ${n}`, 6)))
    expect(waits.size).toBeGreaterThan(50)
  })

  it('is bounded however often it is delivered', () => {
    for (const attempts of [50, 101, 2_000]) expect(backOffSeconds('x', attempts)).toBeLessThanOrEqual(jobRetrySecondsMax)
  })

  it('lets a message live for hours before it is given up', () => {
    const all = Array.from({ length: jobAttemptsMax - 1 }, (_, n) => backOffSeconds('message', n + 1)).reduce((sum, wait) => sum + wait, 0)
    expect(all).toBeGreaterThan(2 * 3600)
    expect(all).toBeLessThan(10 * 3600)
  })
})
