import { and, eq, gt, isNull, ne, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { deletedKeptMs } from '../../core/limits.ts'
import { accountRoleHas } from '../../core/permissions.ts'
import type { AccountRole } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import { auditStaffAct } from '../../db/audit.ts'
import type { AccountCtx } from '../../db/context.ts'
import { accountMemberships, users } from '../../db/schema.ts'
import { actsAsStaff } from '../../db/staff.ts'
import { secondFactors } from '../../db/schema_identity.ts'
import { noPassword } from '../auth/password.ts'
import { profileOf } from './profile.ts'
import type { UserRow } from './profile.ts'
import type { UserJson } from './schema.ts'

/** A user as an administrator sees one. */
export interface ManagedUser {
  readonly row: UserRow
  readonly accountRole: AccountRole | null
  readonly secondFactor: boolean
}

/** Users that the caller reaches, all or the one with this id: those of the account, for staff those of every account. */
export function withinReach(ctx: AccountCtx, id: string): SQL {
  const one = eq(users.id, id)
  return actsAsStaff(ctx) ? one : (and(one, eq(users.accountId, ctx.account.id)) ?? one)
}

/** Deleted users that can be restored: not who never chose a password, whose e-mail may be another's by now. */
export function restorable(nowMs: number): SQL {
  const kept = gt(users.deletedAt, nowMs - deletedKeptMs)
  return and(kept, ne(users.passwordHash, noPassword)) ?? kept
}

export function selectUsers({ db }: Pick<AccountCtx, 'db'>) {
  return db
    .select({
      row: users,
      accountRole: sql<AccountRole | null>`${accountMemberships.role}`.as('account_role'),
      secondFactor: sql<number>`${secondFactors.confirmedAt} is not null`.as('second_factor'),
    })
    .from(users)
    .leftJoin(accountMemberships, and(eq(accountMemberships.userId, users.id), eq(accountMemberships.accountId, users.accountId)))
    .leftJoin(secondFactors, eq(secondFactors.userId, users.id))
}

/** Throws 404 for who is not within reach; `deleted` looks for those that can be restored in place of the others. */
export async function findUser(ctx: AccountCtx, id: string, deleted = false): Promise<ManagedUser> {
  const [found] = await selectUsers(ctx).where(and(withinReach(ctx, id), deleted ? restorable(ctx.now()) : isNull(users.deletedAt)))
  if (!found) throw noSuchUser()
  return { ...found, secondFactor: found.secondFactor === 1 }
}

/** Throws 403 for who manages the account, where the caller may not give and take roles in it. */
export function refuseManager({ account }: AccountCtx, accountRole: AccountRole | null): void {
  if (accountRole === null || mayDeleteManagers({ account })) return
  throw problem('forbidden', 'Only an owner of the account changes, deletes and restores those who manage it.')
}

/** Whether the caller may delete those who manage the account. */
export function mayDeleteManagers({ account }: Pick<AccountCtx, 'account'>): boolean {
  return account.roles.some((role) => accountRoleHas(role, 'account:members'))
}

/** Whether the user has no role in the account, as a condition: of who may not delete managers. */
export function managesNothing(accountId: string): SQL {
  const role = and(eq(accountMemberships.userId, users.id), eq(accountMemberships.accountId, accountId))
  return sql`not exists (select 1 from ${accountMemberships} where ${role})`
}

/** Records that staff looks at, or acts in, another account than their own: the pipeline knows only the route. */
export async function auditReach(ctx: AccountCtx, accountId: string, route: string): Promise<void> {
  if (accountId === ctx.account.id) return
  const account = { id: accountId, roles: ['staff'] } as const
  await auditStaffAct(ctx, { user: ctx.user, session: ctx.session, organization: null, account }, route)
}

export function userJson({ row, accountRole, secondFactor }: ManagedUser): UserJson {
  const { id, accountId, email, emailVerifiedAt, passwordHash, isStaff, createdAt, updatedAt, deletedAt } = row
  return {
    id,
    account_id: accountId,
    account_role: accountRole,
    email,
    email_verified: emailVerifiedAt !== null,
    ...profileOf(row),
    has_password: passwordHash !== noPassword,
    second_factor: secondFactor,
    is_staff: isStaff,
    created_at: isoTime(createdAt),
    updated_at: isoTime(updatedAt),
    deleted_at: deletedAt === null ? null : isoTime(deletedAt),
  }
}

export function noSuchUser() {
  return problem('not_found', 'There is no such user.')
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
