import type { AccountActingRole } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import type { accounts } from '../../db/schema.ts'
import type { AccountJson } from './schema.ts'

/** A stored account as the API shows it to somebody who acts in it as `roles`. */
export function accountJson(row: typeof accounts.$inferSelect, roles: readonly AccountActingRole[]): AccountJson {
  const { id, name, createdAt, updatedAt, deletedAt } = row
  return {
    id,
    name,
    roles: [...roles],
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
    deleted_at: deletedAt === null ? null : new Date(deletedAt).toISOString(),
  }
}

export function noSuchAccount() {
  return problem('not_found', 'There is no such account.')
}

export function noSuchMember() {
  return problem('not_found', 'The account has no such user.')
}

export function changedMeanwhile() {
  return problem('conflict', 'The account or its users were changed meanwhile. Look at them and try again.')
}
