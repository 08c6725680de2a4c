import { and, count, eq, gt, inArray, isNotNull, isNull, lte, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import {
  mailWindowMs,
  recipientAskedEveryMs,
  recipientMailsPerEmailMax,
  recipientMailsPerOrganizationMax,
  recipientMailsWindowMs,
  recipientsPerOrganizationMax,
  recipientTokenTtlMs,
} from '../../core/limits.ts'
import { actorId } from '../../db/audit.ts'
import type { BaseCtx, TenantCtx } from '../../db/context.ts'
import { newMail } from '../../db/mails.ts'
import type { NewMail } from '../../db/mails.ts'
import { memberships, organizations, users } from '../../db/schema.ts'
import { notificationEmails } from '../../db/schema_alerts.ts'
import { mails } from '../../db/schema_content.ts'
import { newSecretToken } from '../../db/secret_token.ts'
import { inTenant } from '../../db/tenant.ts'
import { isReserved, newAttempt, reserve } from '../auth/throttle.ts'

/**
 * Who may be written to on behalf of an organization: present members by their confirmed e-mail, and whoever confirmed to want it.
 * All other addresses may be anybody's, and get one mail that asks.
 */
export async function confirmedRecipients(
  ctx: Pick<BaseCtx, 'db'>,
  organizationId: string,
  emails: readonly string[],
): Promise<Set<string>> {
  if (emails.length === 0) return new Set()
  const ofMembers = memberEmails(ctx, organizationId, emails)
  const ofOthers = ctx.db
    .select({ email: notificationEmails.email })
    .from(notificationEmails)
    .where(
      and(
        eq(notificationEmails.organizationId, organizationId),
        sql`${notificationEmails.email} in ${listed(emails)}`,
        isNotNull(notificationEmails.confirmedAt),
      ),
    )
  const rows = await ofMembers.union(ofOthers)
  return new Set(rows.map(({ email }) => email))
}

/** Query of those of the addresses that are the confirmed e-mails of present members. */
export function memberEmails(ctx: Pick<BaseCtx, 'db'>, organizationId: string, emails: readonly string[]) {
  return ctx.db
    .select({ email: users.email })
    .from(users)
    .innerJoin(memberships, and(eq(memberships.userId, users.id), eq(memberships.organizationId, organizationId)))
    .where(and(sql`${users.email} in ${listed(emails)}`, isNotNull(users.emailVerifiedAt), isNull(users.deletedAt)))
}

function listed(emails: readonly string[]): SQL {
  return sql`(select value from json_each(${JSON.stringify(emails)}))`
}

/** What asking somebody writes: statements for the batch of the act, and the mails for `queueMails` once that is done. */
export interface Asked {
  statements: BatchItem<'sqlite'>[]
  mails: NewMail[]
  /** Those that need not be asked. */
  confirmed: Set<string>
}

/**
 * Asks those of the addresses that may not be written to, but none that the organization asked within the week, and so many as the
 * limits of it, its account, who asks and the address say; who is not asked now is asked with the next change of what names the address.
 * `condition` makes it depend on the act.
 */
export async function askRecipients(ctx: TenantCtx, emails: readonly string[], condition: SQL = sql`true`): Promise<Asked> {
  const { organizationId } = ctx.tenant
  const [confirmed, [[names], lately]] = await Promise.all([
    confirmedRecipients(ctx, organizationId, emails),
    ctx.db.batch([
      ctx.db
        .select({ organization: organizations.name, person: sql<string | null>`(${personName(ctx)})`.as('person') })
        .from(organizations)
        .where(eq(organizations.id, organizationId)),
      ctx.db
        .select({ email: mails.recipient })
        .from(mails)
        .where(and(sql`${mails.recipient} in ${listed(emails)}`, askedLately(ctx))),
    ]),
  ])
  const known = new Set([...confirmed, ...lately.map(({ email }) => email)])
  const params = { organization_name: names?.organization ?? '', asked_by: names?.person ?? 'Somebody' }
  const asked = emails.filter((email) => !known.has(email)).map((email) => ask(ctx, email, params, condition))
  return {
    confirmed,
    statements: asked.length === 0 ? [] : [forgetUnanswered(ctx), ...asked.flatMap(({ statements }) => statements)],
    mails: asked.map(({ mail }) => mail),
  }
}

/** Mails by which this organization asked somebody within the week; they are kept for longer. */
function askedLately(ctx: TenantCtx): SQL | undefined {
  const since = ctx.now() - recipientAskedEveryMs
  return and(eq(mails.kind, 'confirm_recipient'), eq(mails.ownerId, ctx.tenant.organizationId), gt(mails.createdAt, since))
}

function ask(ctx: TenantCtx, email: string, params: { organization_name: string; asked_by: string }, condition: SQL) {
  const { organizationId, accountId } = ctx.tenant
  const now = ctx.now()
  const { token, tokenHash } = newSecretToken()
  const asker = actorId(ctx.actor) ?? organizationId
  const attempt = newAttempt(ctx, { kind: 'recipient_question', subject: asker, source: accountId })
  const [, place] = reserve(ctx, attempt)
  const since = now - mailWindowMs
  const howMany = (where: SQL) => sql`(select count(*) from ${notificationEmails} where ${where})`
  const mailsToEmail = ctx.db
    .select({ count: count() })
    .from(mails)
    .where(and(eq(mails.recipient, email), eq(mails.kind, 'confirm_recipient'), gt(mails.createdAt, now - recipientMailsWindowMs)))
  const isAsked = sql`exists (select 1 from ${mails} where ${and(eq(mails.recipient, email), askedLately(ctx))})`
  const row = ctx.db
    .insert(notificationEmails)
    // In the order of the table's columns, as drizzle wants it.
    .select(
      sql`select ${organizationId}, ${email}, ${tokenHash}, ${now}, null, ${now}
        where ${condition} and ${isReserved(attempt)} and not ${isAsked} and (${mailsToEmail}) < ${recipientMailsPerEmailMax}
          and ${howMany(ofTenant(ctx, gt(notificationEmails.askedAt, since)))} < ${recipientMailsPerOrganizationMax}
          and ${howMany(ofTenant(ctx))} < ${recipientsPerOrganizationMax}`,
    )
    .onConflictDoUpdate({
      target: [notificationEmails.organizationId, notificationEmails.email],
      set: { tokenHash, askedAt: now },
      setWhere: isNull(notificationEmails.confirmedAt),
    })
  // The mail goes out exactly where its token was stored.
  const source = sql`from ${notificationEmails} where ${ofTenant(ctx, eq(notificationEmails.email, email), eq(notificationEmails.tokenHash, tokenHash))}`
  const mail = newMail(ctx, 'confirm_recipient', { to: email, ownerId: organizationId }, { ...params, token }, source)
  return { statements: [place, row, mail.statement], mail }
}

/** Whoever did not answer while the token was good is nobody's recipient, and keeps no place. */
function forgetUnanswered(ctx: TenantCtx) {
  const unanswered = ofTenant(ctx, isNull(notificationEmails.confirmedAt), lte(notificationEmails.askedAt, ctx.now() - recipientTokenTtlMs))
  return ctx.db.delete(notificationEmails).where(unanswered)
}

function ofTenant(ctx: TenantCtx, ...conditions: (SQL | undefined)[]): SQL {
  return inTenant(ctx, notificationEmails, ...conditions)
}

function personName(ctx: TenantCtx): SQL {
  return sql`select ${users.name} from ${users} where ${inArray(users.id, [actorId(ctx.actor) ?? ''])}`
}
