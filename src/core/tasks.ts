import { archiveKeptMs, exportKeptMs, processInputKeptMs } from './limits.ts'
import type { Permission } from './permissions.ts'

/** Kinds of work in the background; src/jobs/task_steps.ts has a step for each. */
export const taskKinds = ['account_export', 'add', 'archive', 'erase', 'export', 'process', 'wait'] as const
export type TaskKind = (typeof taskKinds)[number]

interface TaskRule {
  /**
   * Beyond that of the route: what starting one needs, and reading its file. `account_admin` is no line of the table of an
   * organization, since it is the account's data that leaves.
   */
  readonly needs: Permission | 'account_admin' | null
  /** The password must have been proved lately, of a person. */
  readonly stepUp: boolean
  /** Whether it can be stopped: what an erasure removes is invisible from its first moment. */
  readonly revocable: boolean
  /**
   * Its objects in R2. `file`: parts of one file, which a link gives; `archive`: Parquet files of their own; `input`: what it was
   * sent to work on. They go `keptMs` after its end.
   */
  readonly files: { readonly kind: 'file' | 'archive' | 'input'; readonly keptMs: number } | null
}

/** What holds of the tasks of each kind. */
export const taskRules: Readonly<Record<TaskKind, TaskRule>> = {
  account_export: { needs: 'account_admin', stepUp: true, revocable: true, files: { kind: 'file', keptMs: exportKeptMs } },
  add: { needs: null, stepUp: false, revocable: true, files: null },
  archive: { needs: 'logs:archive', stepUp: false, revocable: true, files: { kind: 'archive', keptMs: archiveKeptMs } },
  erase: { needs: 'logs:delete', stepUp: true, revocable: false, files: null },
  export: { needs: 'logs:read', stepUp: false, revocable: true, files: { kind: 'file', keptMs: exportKeptMs } },
  process: { needs: null, stepUp: false, revocable: true, files: { kind: 'input', keptMs: processInputKeptMs } },
  wait: { needs: null, stepUp: false, revocable: true, files: null },
}

/** Where a task stands. RETRY: a step failed and is tried again. The last three are final. */
export const taskStates = ['PENDING', 'STARTED', 'RETRY', 'SUCCESS', 'FAILURE', 'REVOKED'] as const
export type TaskState = (typeof taskStates)[number]

/** States of a task that is not over. */
export const runningStates = ['PENDING', 'STARTED', 'RETRY'] as const satisfies readonly TaskState[]

/** Whether a task is not over. */
export function isRunning(status: TaskState): boolean {
  return runningStates.some((state) => state === status)
}
