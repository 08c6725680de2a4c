import { rewriteReadsMax } from '../../../core/limits.ts'
import { MergeThrashError } from '../../../engine/segment/merge_types.ts'

/** How many inputs a job may take, from one job to the next. */
export type Fitting = ReturnType<typeof createFitting>

/**
 * Inputs that overlap in time cost reads by the square of their number, so a job that reads them more than `rewriteReadsMax`
 * times is begun again with half as many; two are merged whatever it takes. Jobs that went well let the number grow by a
 * quarter: the work per byte of input stays within a constant factor, however the inputs lie.
 */
export function createFitting() {
  let inputsMax = Infinity
  return {
    /** Runs `work` with what `plan` answers: at most so many inputs, fewer of them as long as they are too many. */
    async run<T>(
      plan: (inputsMax: number) => readonly T[],
      work: (inputs: readonly T[], readsMax: number | undefined) => Promise<void>,
    ): Promise<void> {
      for (;;) {
        const inputs = plan(inputsMax)
        try {
          await work(inputs, inputs.length <= 2 ? undefined : rewriteReadsMax)
          if (inputs.length >= inputsMax) inputsMax = Math.ceil(inputsMax * 1.25)
          return
        } catch (error) {
          if (!(error instanceof MergeThrashError)) throw error
          inputsMax = Math.max(2, inputs.length >>> 1)
        }
      }
    },
  }
}
