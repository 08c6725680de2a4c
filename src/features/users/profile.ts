import { and, eq, isNull, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { profileWriteTriesMax } from '../../core/limits.ts'
import { isPastDay, notificationsOf } from '../../core/profile.ts'
import type { NotificationKey } from '../../core/profile.ts'
import { problem } from '../../core/problems.ts'
import { accountAuditStatement, auditPerson, changesOf } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { users } from '../../db/schema.ts'

export type UserRow = typeof users.$inferSelect

/** Fields of a profile by their names in the API, and the columns that hold them. */
const columns = {
  name: 'name',
  first_name: 'firstName',
  last_name: 'lastName',
  phone: 'phone',
  birth_date: 'birthDate',
  locale: 'locale',
  time_zone: 'timeZone',
  notification_preferences: 'notificationPreferences',
  default_organization_id: 'defaultOrganizationId',
} as const satisfies Record<string, keyof UserRow>

type Field = keyof typeof columns

export interface ProfileInput {
  name?: string | undefined
  first_name?: string | null | undefined
  last_name?: string | null | undefined
  phone?: string | null | undefined
  birth_date?: string | null | undefined
  locale?: string | null | undefined
  time_zone?: string | null | undefined
  notification_preferences?: { readonly [K in NotificationKey]?: boolean | undefined } | undefined
  default_organization_id?: string | undefined
}

/** A person as profiles show one. */
export function profileOf(row: UserRow) {
  const { name, firstName, lastName, phone, birthDate, locale, timeZone } = row
  return { name, first_name: firstName, last_name: lastName, phone, birth_date: birthDate, locale, time_zone: timeZone }
}

/**
 * Changes the profile of the live user that `target` finds, and records what changed from what to what; undefined when there
 * is none. `condition` must hold too; while it does not, a write that is tried changes nothing and ends in a conflict.
 */
export async function writeProfile(ctx: UserCtx, target: SQL, input: ProfileInput, condition?: SQL): Promise<UserRow | undefined> {
  const day = input.birth_date
  if (typeof day === 'string' && !isPastDay(day, ctx.now()))
    throw problem('validation_failed', 'The request is not valid. birth_date: must be in the past', {
      details: { birth_date: ['must be in the past'] },
    })
  for (let tries = 0; tries < profileWriteTriesMax; tries += 1) {
    const [row] = await ctx.db
      .select()
      .from(users)
      .where(and(target, isNull(users.deletedAt)))
    if (!row) return undefined
    const wanted = wantedFields(row, input)
    const changes = changesOf(Object.fromEntries(wanted.map(([field]) => [field, row[columns[field]]])), Object.fromEntries(wanted))
    const changed = wanted.filter(([field]) => field in changes)
    if (changed.length === 0) return row
    // What others changed since it was read is read again, so that the audit log tells what was before.
    const where = and(eq(users.id, row.id), isNull(users.deletedAt), ...changed.map(([field]) => isStill(row, field)), condition)
    const origin = { accountId: row.accountId, actor: auditPerson(ctx) }
    const entry = { action: 'user.update', target: { kind: 'user', id: row.id }, changes }
    const [, rows] = await ctx.db.batch([
      accountAuditStatement(ctx, origin, entry, sql`from ${users} where ${where}`),
      ctx.db
        .update(users)
        .set({ ...Object.fromEntries(changed.map(([field, value]) => [columns[field], value])), updatedAt: ctx.now() })
        .where(where)
        .returning(),
    ])
    if (rows[0]) return rows[0]
  }
  throw problem('conflict', 'The user was changed by somebody else at the same time. Look again.')
}

function wantedFields(row: UserRow, input: ProfileInput): [Field, unknown][] {
  const { notification_preferences: preferences, ...rest } = input
  const given = Object.entries(rest).filter(([, value]) => value !== undefined) as [Field, unknown][]
  if (preferences === undefined) return given
  const merged = { ...notificationsOf(row.notificationPreferences), ...preferences }
  // What the person never decided stays undecided, so that it goes by the default of the day.
  const decided = Object.entries(merged).filter(([key]) => key in row.notificationPreferences || key in preferences)
  return [...given, ['notification_preferences', Object.fromEntries(decided)]]
}

function isStill(row: UserRow, field: Field): SQL {
  const column = users[columns[field]]
  const value = row[columns[field]]
  return value === null ? isNull(column) : eq(column, value)
}
