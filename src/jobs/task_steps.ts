import type { TaskKind } from '../core/tasks.ts'
import { accountExportStep } from './account_export.ts'
import { archiveStep } from './archive.ts'
import { eraseStep } from './erase.ts'
import { exportStep } from './export.ts'
import { addStep } from './task_add.ts'
import { processStep } from './task_process.ts'
import type { TaskStep } from './task_step.ts'
import { waitStep } from './task_wait.ts'

/** What a step of each kind of task does; src/core/tasks.ts has what else holds of a kind. */
export const taskSteps: { readonly [K in TaskKind]: TaskStep } = {
  account_export: accountExportStep,
  add: addStep,
  archive: archiveStep,
  erase: eraseStep,
  export: exportStep,
  process: processStep,
  wait: waitStep,
}
