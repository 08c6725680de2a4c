import { eq, inArray } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { mailsKeptMs, unverifiedKeptMs, unverifiedNoticeMs, verifyReminderAfterMs } from '../../src/core/limits.ts'
import type { BaseCtx } from '../../src/db/context.ts'
import { mailParamsOf } from '../../src/db/mails.ts'
import { accounts, logShards, memberships, organizations, users } from '../../src/db/schema.ts'
import { mails } from '../../src/db/schema_content.ts'
import { createMember, createUserWithOrganization } from '../../src/features/auth/create_user.ts'
import { verifyEmail } from '../../src/features/auth/verify_email.ts'
import { remindUnverified, removeUnverified } from '../../src/jobs/unverified.ts'
import { accountAuditOf, withJobs } from './control_world.ts'

/** People who registered at this moment, of whom the schedules are told alone: the storage is shared by all tests. */
async function registered(count = 1, isRequired = true) {
  const { ctx: base, mails: queued } = withJobs()
  const startMs = base.now()
  const at = (ms: number): BaseCtx => ({ ...base, config: { ...base.config, verifiedEmailRequired: isRequired }, now: () => startMs + ms })
  const people = []
  for (let i = 0; i < count; i++) {
    const email = `ann-${base.newId()}@example.com`
    const { created } = await createUserWithOrganization(at(0), { email, name: 'Ann', passwordHash: 'a hash', organizationName: 'Acme' })
    if (created === undefined) throw new Error('the e-mail was known')
    people.push({ ...created, email })
  }
  const ids = people.map(({ userId }) => userId)
  const among = inArray(users.id, ids)
  const [person] = people
  if (person === undefined) throw new Error('nobody registered')
  return { at, startMs, people, person, queued, among, remind: (ms: number) => remindUnverified(at(ms), among) }
}

async function remindersTo(ctx: BaseCtx, userId: string) {
  const rows = await ctx.db.select().from(mails).where(eq(mails.ownerId, userId))
  const reminders = rows.filter(({ kind }) => kind === 'verify_reminder')
  return reminders.map((row) => mailParamsOf(ctx, row) as { token: string; ends_at_ms: number | null })
}

async function isDeleted(ctx: BaseCtx, userId: string): Promise<boolean> {
  const [row] = await ctx.db.select({ deletedAt: users.deletedAt }).from(users).where(eq(users.id, userId))
  return row?.deletedAt !== null
}

const markSent = (ctx: BaseCtx, userId: string) => ctx.db.update(mails).set({ status: 'sent' }).where(eq(mails.ownerId, userId))
const afterReminder = verifyReminderAfterMs + 60_000

describe('the reminder to confirm an e-mail', () => {
  it('goes out once, two days after the registration, with a token that works and the day of the end', async () => {
    const { at, startMs, person, queued, remind } = await registered()
    await remind(verifyReminderAfterMs - 1)
    expect(await remindersTo(at(0), person.userId)).toEqual([])
    await Promise.all([remind(afterReminder), remind(afterReminder)])
    await remind(afterReminder + verifyReminderAfterMs)
    const reminders = await remindersTo(at(0), person.userId)
    expect(reminders.map(({ ends_at_ms }) => ends_at_ms)).toEqual([startMs + unverifiedKeptMs])
    expect(queued.map(({ job }) => job.kind)).toContain('verify_reminder')
    await verifyEmail(at(afterReminder), reminders[0]?.token ?? '')
    const [row] = await at(0).db.select().from(users).where(eq(users.id, person.userId))
    expect(row?.emailVerifiedAt).toBe(startMs + afterReminder)
  })

  it('leaves a week to who is reminded late, and nobody is reminded when mails of the time are forgotten', async () => {
    const { at, startMs, person, remind } = await registered()
    await remind(mailsKeptMs + 1)
    expect(await remindersTo(at(0), person.userId)).toEqual([])
    await remind(unverifiedKeptMs - 1)
    expect(await remindersTo(at(0), person.userId)).toMatchObject([{ ends_at_ms: startMs + unverifiedKeptMs - 1 + unverifiedNoticeMs }])
  })

  it('names no end where people work without a confirmed e-mail', async () => {
    const { at, person, remind } = await registered(1, false)
    await remind(afterReminder)
    expect(await remindersTo(at(0), person.userId)).toMatchObject([{ ends_at_ms: null }])
  })

  it('spares who confirmed, and who was made by somebody and never chose a password', async () => {
    const { at, people, remind } = await registered(2)
    const [confirmed, made] = people.map(({ userId }) => userId) as [string, string]
    await at(0).db.update(users).set({ emailVerifiedAt: 1 }).where(eq(users.id, confirmed))
    await at(0).db.update(users).set({ passwordHash: '-' }).where(eq(users.id, made))
    await remind(afterReminder)
    expect(await remindersTo(at(0), confirmed)).toEqual([])
    expect(await remindersTo(at(0), made)).toEqual([])
  })
})

describe('the clean-up of people who never confirmed', () => {
  it('deletes the person with the organization and account after two weeks, as a system act, and once', async () => {
    const { at, startMs, person, among, remind } = await registered()
    await remind(afterReminder)
    await markSent(at(0), person.userId)
    await removeUnverified(at(unverifiedKeptMs - 1), among)
    expect(await isDeleted(at(0), person.userId)).toBe(false)
    await removeUnverified(at(unverifiedKeptMs), among)
    await removeUnverified(at(unverifiedKeptMs + 60_000), among)
    const deletedAt = startMs + unverifiedKeptMs
    const { db } = at(0)
    const rows = [
      ...(await db.select({ deletedAt: users.deletedAt }).from(users).where(eq(users.id, person.userId))),
      ...(await db.select({ deletedAt: organizations.deletedAt }).from(organizations).where(eq(organizations.id, person.organizationId))),
      ...(await db.select({ deletedAt: accounts.deletedAt }).from(accounts).where(eq(accounts.id, person.accountId))),
    ]
    expect(rows).toEqual([{ deletedAt }, { deletedAt }, { deletedAt }])
    const entries = await accountAuditOf(person, 'user.delete')
    expect(entries).toMatchObject([{ actor_kind: 'system', target_id: person.userId }])
  })

  it('waits a week after the reminder, and for its delivery', async () => {
    const { at, person, among, remind } = await registered()
    await removeUnverified(at(unverifiedKeptMs), among)
    await remind(unverifiedKeptMs)
    await removeUnverified(at(unverifiedKeptMs + unverifiedNoticeMs), among)
    expect(await isDeleted(at(0), person.userId)).toBe(false)
    await markSent(at(0), person.userId)
    await removeUnverified(at(unverifiedKeptMs + unverifiedNoticeMs - 1), among)
    expect(await isDeleted(at(0), person.userId)).toBe(false)
    await removeUnverified(at(unverifiedKeptMs + unverifiedNoticeMs), among)
    expect(await isDeleted(at(0), person.userId)).toBe(true)
  })

  it('leaves those who confirmed, stored logs, have company or are staff, and everybody where nobody must confirm', async () => {
    const { at, people, among, remind } = await registered(5)
    const { db } = at(0)
    const [confirmed, logging, owner, staff, plain] = people
    if (!confirmed || !logging || !owner || !staff || !plain) throw new Error('five people registered')
    await remind(afterReminder)
    for (const { userId } of people) await markSent(at(0), userId)
    await db.update(users).set({ emailVerifiedAt: 1 }).where(eq(users.id, confirmed.userId))
    await db.insert(logShards).values({ organizationId: logging.organizationId, number: 0, region: 'weur', createdAt: 1 })
    const guest = { email: `guest-${plain.userId}@example.com`, name: 'Guest', passwordHash: 'a hash', role: 'viewer' } as const
    await createMember(at(0), owner, guest)
    await db.update(users).set({ isStaff: true }).where(eq(users.id, staff.userId))
    const notRequired = at(unverifiedKeptMs)
    await removeUnverified({ ...notRequired, config: { ...notRequired.config, verifiedEmailRequired: false } }, among)
    expect(await isDeleted(at(0), plain.userId)).toBe(false)
    await removeUnverified(at(unverifiedKeptMs), among)
    const deleted = await Promise.all(people.map(({ userId }) => isDeleted(at(0), userId)))
    expect(deleted).toEqual([false, false, false, false, true])
    expect(await db.select().from(memberships).where(eq(memberships.organizationId, owner.organizationId))).toHaveLength(2)
  })
})
