import type { JobsOf, QueueName } from '../../src/core/jobs.ts'
import { deadJobs } from '../../src/db/schema_jobs.ts'
import { testCtx } from './world.ts'
import type { World } from './world.ts'

/** A message that was given up, of the world's organization; answers its id. */
export async function makeDeadJob<Q extends QueueName>(
  { organizationId }: Pick<World, 'organizationId'>,
  queue: Q,
  job: JobsOf[Q],
  values: Partial<typeof deadJobs.$inferInsert> = {},
): Promise<string> {
  const { db, newId, now } = testCtx()
  const id = values.id ?? newId()
  await db.insert(deadJobs).values({
    id,
    queue,
    messageId: newId(),
    kind: job.kind,
    body: JSON.stringify(job),
    reason: 'It failed again and again.',
    attempts: 11,
    organizationId,
    requestId: newId(),
    createdAt: now(),
    ...values,
  })
  return id
}

/** One whose replay finds nothing to do. */
export function makeIdleDeadJob(world: World): Promise<string> {
  return makeDeadJob(world, 'task-jobs', { kind: 'purge', thing: 'organization', id: world.organizationId })
}
