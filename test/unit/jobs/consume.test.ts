import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { QueueName } from '../../../src/core/jobs.ts'
import { buryMsMax, jobRetrySecondsMax, jobRunMsMax, notifyPutOffSeconds, notifyTurnMs } from '../../../src/core/limits.ts'
import { createLog } from '../../../src/core/log.ts'
import type { BaseCtx } from '../../../src/db/context.ts'
import { consumeJobs } from '../../../src/jobs/consume.ts'
import type { Dispatch } from '../../../src/jobs/dispatch.ts'

const id = '01923f00-0000-7000-8000-00000000000a'
const organizationId = '01923f00-0000-7000-8000-00000000000b'
const mail = (requestId?: string) => ({ kind: 'verify_email', id, ...(requestId !== undefined && { request_id: requestId }) })

interface Line {
  level: string
  message: string
  [name: string]: unknown
}

/** What the queues do; each test says it for those that it delivers to. */
let run: { -readonly [Q in QueueName]: Dispatch[Q]['run'] }
let dispatch: Dispatch

let lines: Line[]
let work: Promise<unknown>[]
/** What the database does with statements. */
let batch: () => Promise<unknown>
/** What was sent to a queue, with its options. */
let sent: unknown[]
beforeEach(() => {
  const nothing = () => Promise.reject(new Error('nothing was expected'))
  run = { 'email-jobs': nothing, 'alert-jobs': nothing, 'notify-jobs': nothing, 'task-jobs': nothing }
  const handlers = <Q extends QueueName>(queue: Q) => ({
    run: (...args: Parameters<Dispatch[Q]['run']>) => (run[queue] as (...all: unknown[]) => Promise<void>)(...args),
    giveUp: nothing,
  })
  dispatch = {
    'email-jobs': handlers('email-jobs'),
    'alert-jobs': handlers('alert-jobs'),
    'notify-jobs': handlers('notify-jobs'),
    'task-jobs': handlers('task-jobs'),
  }
  lines = []
  work = []
  sent = []
  batch = () => Promise.reject(new Error('D1_ERROR: down'))
  for (const kind of ['log', 'error'] as const)
    vi.spyOn(console, kind).mockImplementation((text: string) => void lines.push(JSON.parse(text) as Line))
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** A context that has a clock and a log, and whose database is down unless the test says otherwise. */
function baseCtx(): BaseCtx {
  const db = { insert: () => brokenStatement, select: () => brokenStatement, batch: () => batch() }
  const sendBatch = async (messages: { body: unknown }[], options: unknown) =>
    void sent.push(...messages.map(({ body }) => [body, options]))
  const base = {
    db,
    env: { NOTIFY_JOBS: { sendBatch } },
    log: createLog('run'),
    requestId: 'run',
    now: () => Date.now(),
    newId: () => id,
    waitUntil: (one: Promise<unknown>) => void work.push(one),
  }
  return base as unknown as BaseCtx
}
const brokenStatement: Record<string, () => object> = Object.fromEntries(
  ['values', 'onConflictDoNothing', 'from', 'where'].map((name) => [name, () => brokenStatement]),
)

/** Delivers messages as one batch, and tells what became of each. */
async function deliver(queue: string, bodies: readonly unknown[], attempts = 1): Promise<(number | 'acked')[]> {
  const ends: (number | 'acked')[] = []
  const messages = bodies.map((body, n) => ({
    id: `message-${n}`,
    body,
    attempts,
    ack: () => void (ends[n] = 'acked'),
    retry: (options?: QueueRetryOptions) => void (ends[n] = options?.delaySeconds ?? -1),
  }))
  await consumeJobs(baseCtx(), { queue, messages }, dispatch)
  return ends
}

const jobLines = () => lines.filter(({ message }) => message === 'job')

describe('a batch of jobs', () => {
  it('leaves one line for each, with what leads from the request to the job', async () => {
    run['email-jobs'] = async (ctx) => ctx.log.add({ transport: 'outbox' })
    expect(await deliver('email-jobs', [mail('first-request'), mail('second-request')], 3)).toEqual(['acked', 'acked'])
    expect(jobLines()).toEqual([
      {
        level: 'info',
        message: 'job',
        request_id: 'first-request',
        run_id: 'run',
        queue: 'email-jobs',
        message_id: 'message-0',
        kind: 'verify_email',
        mail_id: id,
        attempts: 3,
        outcome: 'done',
        ms: expect.any(Number) as number,
        transport: 'outbox',
      },
      expect.objectContaining({ request_id: 'second-request', message_id: 'message-1' }),
    ])
  })

  it('names what each kind is about', async () => {
    run['task-jobs'] = async () => undefined
    run['alert-jobs'] = async () => undefined
    run['notify-jobs'] = async () => undefined
    const organization_id = organizationId
    await deliver('task-jobs', [
      { kind: 'task', organization_id, task_id: id, step: 2 },
      { kind: 'purge', thing: 'user', id },
      { kind: 'report', organization_id, report_id: id, due_ms: 1 },
      { kind: 'retention', after: { organization_id: '', number: -1 } },
    ])
    await deliver('alert-jobs', [{ kind: 'evaluate', organization_id, rule_ids: [id] }])
    await deliver('notify-jobs', [{ kind: 'notify', organization_id, rule_id: id, channel_id: id }])
    expect(jobLines()).toMatchObject([
      { kind: 'task', organization_id, task_id: id, step: 2 },
      { kind: 'purge', thing: 'user', thing_id: id },
      { kind: 'report', organization_id, report_id: id },
      { kind: 'retention', after: '/-1' },
      { kind: 'evaluate', organization_id, rule_ids: [id] },
      { kind: 'notify', organization_id, rule_id: id, channel_id: id },
    ])
  })

  it('goes on behind one that fails, which comes again later', async () => {
    run['email-jobs'] = async (ctx) => {
      if (ctx.requestId === 'bad') throw new Error('no server')
    }
    const [before, failed, after] = await deliver('email-jobs', [mail('a'), mail('bad'), mail('b')], 2)
    expect([before, after]).toEqual(['acked', 'acked'])
    expect(failed).toBeGreaterThanOrEqual(30)
    expect(failed).toBeLessThanOrEqual(60)
    expect(jobLines()[1]).toMatchObject({ request_id: 'bad', outcome: 'retry', attempts: 2, error: 'no server' })
    const [error] = lines.filter(({ level }) => level === 'error')
    expect(error).toMatchObject({ message: 'job failed', request_id: 'bad', mail_id: id, message_id: 'message-1' })
  })

  it('goes on behind one that throws at once, or throws nothing', async () => {
    let n = 0
    run['email-jobs'] = () => {
      n += 1
      if (n === 1) throw new Error('at once')
      return n === 2 ? Promise.reject(undefined) : Promise.resolve()
    }
    const ends = await deliver('email-jobs', [mail(), mail(), mail()])
    expect(ends.map((end) => end === 'acked')).toEqual([false, false, true])
  })

  it('of notices gives each organization a short turn of its own, and puts off what is left of a slow one', async () => {
    vi.useFakeTimers()
    const done: string[] = []
    run['notify-jobs'] = async (_, { organization_id }) => {
      if (organization_id === organizationId) await new Promise((resolve) => setTimeout(resolve, notifyTurnMs))
      done.push(organization_id)
    }
    const slow = { kind: 'notify', organization_id: organizationId, rule_id: id, channel_id: id }
    const quick = { ...slow, organization_id: id }
    const delivered = deliver('notify-jobs', [slow, slow, slow, quick])
    await vi.advanceTimersByTimeAsync(notifyTurnMs - 1)
    expect(done).toEqual([id])
    await vi.advanceTimersByTimeAsync(1)
    expect(await delivered).toEqual(Array.from({ length: 4 }, () => 'acked'))
    expect(done).toEqual([id, organizationId])
    expect(sent).toEqual([slow, slow].map((job) => [{ ...job, request_id: 'run' }, { delaySeconds: notifyPutOffSeconds }]))
    expect(jobLines().map(({ outcome }) => outcome)).toEqual(['done', 'done', 'put off', 'put off'])
  })

  it('goes on behind one that hangs, which counts as failed', async () => {
    vi.useFakeTimers()
    run['email-jobs'] = (ctx) => (ctx.requestId === 'hangs' ? new Promise(() => undefined) : Promise.resolve())
    const delivered = deliver('email-jobs', [mail('hangs'), mail('b')])
    await vi.advanceTimersByTimeAsync(jobRunMsMax['email-jobs'])
    const [hung, after] = await delivered
    expect([typeof hung, after]).toEqual(['number', 'acked'])
    expect(jobLines()[0]).toMatchObject({ outcome: 'retry', error: `no answer in ${jobRunMsMax['email-jobs']} ms` })
  })

  it('keeps a message that nobody knows while it cannot be written down', async () => {
    const ends = await deliver('email-jobs', [{ kind: 'verify_email', id: 'no id' }, null, 'text'], 400)
    expect(ends.every((end) => typeof end === 'number' && end <= jobRetrySecondsMax)).toBe(true)
    expect(jobLines().map(({ outcome }) => outcome)).toEqual(['retry', 'retry', 'retry'])
  })

  it('keeps a dead letter while it cannot be written down, and does not do its job', async () => {
    let runs = 0
    run['email-jobs'] = async () => void runs++
    const [end] = await deliver('email-jobs-dead', [mail()])
    expect([typeof end, runs]).toEqual(['number', 0])
  })

  it('lets go of a dead letter of any queue after half a minute, so that ten of them end in time', async () => {
    vi.useFakeTimers()
    batch = () => new Promise(() => undefined)
    const delivered = deliver('task-jobs-dead', ['one', 'two'])
    await vi.advanceTimersByTimeAsync(2 * buryMsMax)
    expect((await delivered).map((end) => typeof end)).toEqual(['number', 'number'])
    expect(jobLines()).toMatchObject([{ error: `no answer in ${buryMsMax} ms` }, { outcome: 'retry' }])
  })

  it('of a queue that nobody knows is refused as a whole', async () => {
    await expect(deliver('other-jobs', [])).rejects.toThrow('no jobs are known of the queue other-jobs')
  })

  it('logs what fails behind a job with the ids of that job', async () => {
    run['email-jobs'] = async (ctx) => ctx.waitUntil(Promise.reject(new Error(`late of ${ctx.requestId}`)))
    await deliver('email-jobs', [mail('first'), mail('second')])
    await Promise.all(work)
    const late = lines.filter(({ message }) => message === 'work after the job failed')
    expect(late).toMatchObject([
      { request_id: 'first', message_id: 'message-0', mail_id: id },
      { request_id: 'second', message_id: 'message-1' },
    ])
    expect(String(late[1]?.['error'])).toContain('late of second')
  })
})
