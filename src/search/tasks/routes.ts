import { idempotencyKeyCharsMax, taskBodyBytesMax, tasksPerActorMax, tasksRunningMax, tasksRunningPerActorMax } from '../../core/limits.ts'
import { taskSchema } from '../../features/tasks/schema.ts'
import { idempotencyKeyOf } from '../../http/idempotency_key.ts'
import { route } from '../../http/route.ts'
import { beginTask } from './begin.ts'
import { newTaskJson } from './schema.ts'

const create = route(
  {
    id: 'tasks.create',
    method: 'post',
    path: '/api/v1/tasks',
    summary: 'Start a background task',
    description: `Answers at once; the task tells its progress and its result. What it does is asked for as well: to export needs logs:read, to
archive logs:archive, to erase logs:delete. With an \`Idempotency-Key\` header (1 to ${idempotencyKeyCharsMax} printable ASCII characters) the same
request makes one task, however often it comes, as long as that task is kept. At most ${tasksRunningPerActorMax} tasks of a person or key, and
${tasksRunningMax} of an organization, are at work at a time, and a person or key starts at most ${tasksPerActorMax} in an hour.`,
    access: 'tasks:create',
    json: newTaskJson,
    jsonBytesMax: taskBodyBytesMax,
    replies: { 202: taskSchema },
    problems: ['invalid_query', 'reauthentication_required', 'second_factor_required', 'conflict', 'idempotency_key_reused', 'unavailable'],
  },
  async ({ json }, ctx, c) => {
    const { task, replayed } = await beginTask(ctx, json, idempotencyKeyOf(c))
    return {
      status: 202,
      body: task,
      headers: { Location: `/api/v1/tasks/${task.id}`, ...(replayed && { 'Idempotency-Replayed': 'true' }) },
    }
  },
)

export const newTaskRoutes = [create]
