import { emailSchema } from '../../src/core/primitives.ts'
import { usageError } from './terminal.ts'

export type StaffChange = 'add' | 'remove'

/** A user as `selectStaff` and `staffStatements` answer one. */
export interface StaffRow {
  email: string
  name: string
  is_staff: number
  deleted: number
  /** Staff with a second factor; who has none is one stolen password away. */
  second_factor: number
}

const columns = `email, name, is_staff, deleted_at is not null as deleted,
  exists (select 1 from second_factors f where f.user_id = users.id and f.confirmed_at is not null) as second_factor`

/** All staff of the deployment. */
export const selectStaff = `select ${columns} from users where is_staff = 1 order by email`

/** The user as it is. */
export function selectUser(email: string): string {
  return `select ${columns} from users where email = ${quoted(email)}`
}

/**
 * Makes the user with this e-mail staff, or takes that away, with an entry in the log of the user's account when it changes
 * anything. `id` is that of the entry. Plain SQL, as `wrangler d1 execute` takes no parameters; order matters.
 */
export function staffStatements(change: StaffChange, email: string, { nowMs, id }: { nowMs: number; id: string }): string[] {
  const [before, after] = change === 'add' ? [0, 1] : [1, 0]
  // Nobody deleted becomes staff; who is, may be deleted by now.
  const where = `email = ${quoted(email)} and is_staff = ${before}${change === 'add' ? ' and deleted_at is null' : ''}`
  const changes = JSON.stringify({ is_staff: { before: before === 1, after: after === 1 } })
  return [
    `insert into account_audit_log (account_id, id, actor_kind, actor_id, action, target_kind, target_id, details, request_id, created_at, changes)
      select account_id, ${quoted(id)}, 'system', null, 'user.staff_${change}', 'user', id, '{"by":"npm run staff"}', ${quoted(id)}, ${nowMs},
      ${quoted(changes)} from users where ${where}`,
    `update users set is_staff = ${after}, updated_at = ${nowMs} where ${where}`,
    selectUser(email),
  ]
}

/** Confirms the e-mail of the user, where no mail with a token reaches anybody yet, with an entry as above. */
export function confirmStatements(email: string, { nowMs, id }: { nowMs: number; id: string }): string[] {
  const where = `email = ${quoted(email)} and email_verified_at is null and deleted_at is null`
  return [
    `insert into account_audit_log (account_id, id, actor_kind, actor_id, action, target_kind, target_id, details, request_id, created_at)
      select account_id, ${quoted(id)}, 'system', null, 'user.verify_email', 'user', id, '{"by":"npm run staff"}', ${quoted(id)}, ${nowMs}
      from users where ${where}`,
    `update users set email_verified_at = ${nowMs}, updated_at = ${nowMs} where ${where}`,
    selectUser(email),
  ]
}

/** The e-mail as it is stored; throws a CommandError for what is none. */
export function parseEmail(usage: string, text: string): string {
  const parsed = emailSchema.safeParse(text)
  if (parsed.success) return parsed.data
  throw usageError(usage, `"${text}" is no e-mail address.`)
}

/** A text of SQL. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
