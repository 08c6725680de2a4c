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
  /** Numbers of its result that the audit log tells, which is kept for years and read by many: nothing of what was worked on. */
  readonly counts: readonly string[]
  /** Its result has parts of what was posted: for who posted it and who may stop it, and forgotten with its files. */
  readonly ownResult: boolean
}

/** What holds of the tasks of each kind. */
export const taskRules: Readonly<Record<TaskKind, TaskRule>> = {
  account_export: {
    needs: 'account_admin',
    stepUp: true,
    revocable: true,
    files: { kind: 'file', keptMs: exportKeptMs },
    counts: ['rows', 'bytes', 'files'],
    ownResult: false,
  },
  add: { needs: null, stepUp: false, revocable: true, files: null, counts: [], ownResult: false },
  archive: {
    needs: 'logs:archive',
    stepUp: false,
    revocable: true,
    files: { kind: 'archive', keptMs: archiveKeptMs },
    counts: ['rows', 'bytes', 'files', 'damaged_parts'],
    ownResult: false,
  },
  erase: { needs: 'logs:delete', stepUp: true, revocable: false, files: null, counts: ['erased', 'damaged_parts'], ownResult: false },
  export: {
    needs: 'logs:read',
    stepUp: false,
    revocable: true,
    files: { kind: 'file', keptMs: exportKeptMs },
    counts: ['rows', 'bytes', 'files', 'damaged_parts'],
    ownResult: false,
  },
  process: {
    needs: null,
    stepUp: false,
    revocable: true,
    files: { kind: 'input', keptMs: processInputKeptMs },
    counts: ['records'],
    ownResult: true,
  },
  wait: { needs: null, stepUp: false, revocable: true, files: null, counts: ['waited_seconds'], ownResult: false },
}

/** What the audit log tells of the result of a task. */
export function countsOf(kind: TaskKind, result: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(result).filter(([name, value]) => taskRules[kind].counts.includes(name) && typeof value === 'number'),
  )
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
