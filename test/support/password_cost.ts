import { passwordCost as real } from '../../src/features/auth/password_cost.ts'
import type { PasswordCost } from '../../src/features/auth/password_cost.ts'

/**
 * What a password hash costs in the workerd project, whose configuration puts this in the place of the real cost: its hundreds
 * of hashes would be an eighth of the run. All else is the real thing.
 */
export const passwordCost: PasswordCost = { ln: 4, r: 8, p: 1 }

/** For tests of what production does. */
export async function atRealPasswordCost<T>(work: () => Promise<T>): Promise<T> {
  const cheap = { ...passwordCost }
  Object.assign(passwordCost, real)
  try {
    return await work()
  } finally {
    Object.assign(passwordCost, cheap)
  }
}
