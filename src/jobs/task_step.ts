import type { TenantCtx } from '../db/context.ts'

/** A task as its step sees it. Parameters and state are what was stored as JSON: parse them with a schema. */
export interface Task {
  id: string
  params: Record<string, unknown>
  /** What the step before left; empty at first. */
  state: Record<string, unknown>
  /** Person or key that asked for it. */
  createdBy: string
  createdMs: number
}

export type StepOutcome =
  /** `state`: what its download goes by, where it wrote a file; left out, what the step before left stays. */
  | { status: 'done'; result: Record<string, unknown>; state?: Record<string, unknown> }
  /** The task cannot be carried out; `reason` is a sentence for who asked for it. */
  | { status: 'failed'; reason: string }
  /** Another step is due. `progress` is the part that is done, 0 to 1. */
  | { status: 'again'; afterSeconds: number; progress: number; state: Record<string, unknown> }

/**
 * One step of a task: bounded work that ends well before the limits of an invocation. A step may be repeated, also while
 * its first run still goes on, so a repeat must leave what one run leaves. What it throws is tried again.
 */
export type TaskStep = (ctx: TenantCtx, task: Task) => Promise<StepOutcome>
