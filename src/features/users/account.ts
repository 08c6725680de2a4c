import { problem } from '../../core/problems.ts'
import type { AccountCtx } from '../../db/context.ts'

/** The account that a request is about: the caller's, or for staff the named one. Throws 404 for any other. */
export function wantedAccount({ account, user }: AccountCtx, accountId: string | undefined): string {
  if (accountId === undefined || accountId === account.id || user.isStaff) return accountId ?? account.id
  throw problem('not_found', 'There is no such account.')
}
