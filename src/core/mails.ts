import * as z from 'zod'
import { alertNoticeSchema } from './alerts.ts'
import { notificationKeys } from './profile.ts'
import type { NotificationKey } from './profile.ts'

/**
 * Mails and what the text of each needs: the contract between the verbs that write them (src/db/mails.ts) and
 * src/jobs, which turns them into text. Whoever adds a kind adds its parameters here and its text in src/features/mails/mail_texts.ts.
 */
const token = { token: z.string() }
const device = { device: z.string(), place: z.string().nullable(), at_ms: z.int() }
/** Names that people gave go only into mails to people who are members already or were named by one. */
const organization = { organization_name: z.string() }
/** What the person has a role in. */
const tenant = { thing: z.enum(['organization', 'account']), name: z.string() }

export const mailParams = {
  /** The first mail of a new user: confirms the e-mail. */
  welcome: z.strictObject(token),
  /** Somebody tried to register with an e-mail that is known; only its owner learns of it. */
  registration_known: z.strictObject({}),
  verify_email: z.strictObject(token),
  reset_password: z.strictObject(token),
  /** A user whom an account's administrator made chooses a password. */
  set_password: z.strictObject({ ...token, account_name: z.string() }),
  password_changed: z.strictObject({ at_ms: z.int() }),
  /** To the address that stays the user's until both confirmed, and to the new one. */
  change_email_old: z.strictObject({ ...token, new_email: z.string() }),
  change_email_new: z.strictObject(token),
  email_changed: z.strictObject({ new_email: z.string() }),
  new_device: z.strictObject(device),
  second_factor_enabled: z.strictObject({}),
  second_factor_disabled: z.strictObject({}),
  recovery_code_used: z.strictObject({ left: z.int() }),
  /** Somebody with the right password typed a wrong code. */
  second_factor_failed: z.strictObject({ at_ms: z.int() }),
  invitation: z.strictObject({ ...token, ...organization, invited_by: z.string(), role: z.string() }),
  membership_changed: z.strictObject({ ...tenant, role: z.string() }),
  membership_removed: z.strictObject(tenant),
  ownership_transferred: z.strictObject({ ...tenant, to: z.string() }),
  organization_deleted: z.strictObject({ ...tenant, purge_at_ms: z.int() }),
  user_deleted: z.strictObject({ purge_at_ms: z.int() }),
  /** The e-mail is not confirmed yet; after `ends_at_ms` the account goes. */
  verify_reminder: z.strictObject({ ...token, ends_at_ms: z.int().nullable() }),
  /** Somebody turned mails off by the link in one of them: whoever has such a mail may, so the user is told. */
  mails_turned_off: z.strictObject({ mails: z.enum(notificationKeys) }),
  /** An organization wants to send alerts or reports to an address that is no member's. */
  confirm_recipient: z.strictObject({ ...token, ...organization, asked_by: z.string() }),
  alert: z.strictObject({ notice: alertNoticeSchema }),
  report: z.strictObject({
    ...organization,
    report: z.strictObject({ id: z.string(), name: z.string(), q: z.string(), from: z.string(), to: z.string() }),
    rows: z.int(),
    /** More matched than the file holds. */
    truncated: z.boolean(),
    /** Key in R2 of the CSV that is attached; null when there is nothing to show. */
    csv_key: z.string().nullable(),
    csv_bytes: z.int(),
  }),
  weekly_digest: z.strictObject({
    ...organization,
    /** First day of the week and the day after its last, `yyyy-mm-dd`. */
    from_day: z.iso.date(),
    to_day: z.iso.date(),
    rows: z.int(),
    bytes: z.int(),
    /** The week before, to compare. */
    rows_before: z.int(),
    by_day: z.array(z.strictObject({ day: z.iso.date(), rows: z.int() })),
    by_severity: z.array(z.strictObject({ severity: z.string(), rows: z.int() })),
    top_sources: z.array(z.strictObject({ source: z.string(), rows: z.int() })),
    /** Most frequent messages of errors. */
    top_errors: z.array(z.strictObject({ pattern: z.string(), rows: z.int() })),
    /** Rules that fired, most often first. */
    alerts: z.array(z.strictObject({ name: z.string(), fired: z.int(), state: z.string() })),
    /** There were more logs than could be read: the numbers are less than the truth. */
    partial: z.boolean(),
    logs_url: z.string(),
  }),
} as const

/**
 * Mails that tell people what somebody else did. They go only to addresses that are confirmed, and so many an hour: what a
 * tenant does to its members again and again must not fill their mailboxes.
 */
export const noticeKinds = [
  'membership_changed',
  'membership_removed',
  'ownership_transferred',
  'organization_deleted',
  'user_deleted',
] as const satisfies readonly MailKind[]

/** Mails that one can do without, by the preference that turns them off; they carry a link that does so. */
export const optionalMails = { alert: 'alerts', report: 'reports', weekly_digest: 'weekly_digest' } as const satisfies Partial<
  Record<MailKind, NotificationKey>
>

/** What the link in a mail of this kind turns off; null for mails without one. Whoever does not want to be asked wants none of them. */
export function turnedOffBy(kind: MailKind): SuppressionScope | null {
  if (kind === 'confirm_recipient') return 'all'
  return kind in optionalMails ? optionalMails[kind as keyof typeof optionalMails] : null
}

/**
 * Mails that rules and reports write by themselves, which one organization sends so many of an hour and a day. The digest is not
 * among them: a member gets it once a week.
 */
export const budgetedKinds = ['alert', 'report'] as const satisfies readonly MailKind[]

export const suppressionScopes = ['all', ...notificationKeys] as const
export type SuppressionScope = (typeof suppressionScopes)[number]

/** `bounce`: there is no such mailbox. `complaint`: marked as spam. `unsubscribe`: by the link of a mail. `manual`: by staff. */
export const suppressionReasons = ['bounce', 'complaint', 'unsubscribe', 'manual'] as const
export type SuppressionReason = (typeof suppressionReasons)[number]

export type MailKind = keyof typeof mailParams
export type MailParams<K extends MailKind> = z.output<(typeof mailParams)[K]>

export const mailKinds = Object.keys(mailParams) as [MailKind, ...MailKind[]]
/** `failed`: its text cannot be written, or it could not be delivered for a day. `suppressed`: its address is not written to. */
export const mailStates = ['pending', 'sent', 'failed', 'suppressed'] as const

/**
 * Where a finished mail lies in R2. `ownerId` is what it is about, with which it is purged: an organization or account, and of a
 * mail about a person always the user, who stays when organizations come and go.
 */
export function outboxKey({ ownerId, id }: { ownerId: string; id: string }): string {
  return `outbox/${ownerId}/${id}.eml`
}
