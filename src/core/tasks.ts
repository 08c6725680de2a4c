/** Kinds of work in the background; src/jobs/task_jobs.ts has a step for each. */
export const taskKinds = ['archive', 'erase'] as const
export type TaskKind = (typeof taskKinds)[number]

/** Where a task stands. RETRY: a step failed and is tried again. The last three are final. */
export const taskStates = ['PENDING', 'STARTED', 'RETRY', 'SUCCESS', 'FAILURE', 'REVOKED'] as const
export type TaskState = (typeof taskStates)[number]

/** States of a task that is not over. */
export const runningStates = ['PENDING', 'STARTED', 'RETRY'] as const satisfies readonly TaskState[]
