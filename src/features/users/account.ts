import { problem } from '../../core/problems.ts'
import type { AccountCtx } from '../../db/context.ts'
import { actsAsStaff } from '../../db/staff.ts'

/** The account that a request is about: the caller's, or for staff the named one. Throws 404 for any other. */
export function wantedAccount(ctx: AccountCtx, accountId: string | undefined): string {
  const { account } = ctx
  if (accountId === undefined || accountId === account.id || actsAsStaff(ctx)) return accountId ?? account.id
  throw problem('not_found', 'There is no such account.')
}
