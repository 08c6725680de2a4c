import { bounceCountsMs } from '../../core/limits.ts'
import { optionalMails } from '../../core/mails.ts'
import type { MailKind, SuppressionReason, SuppressionScope } from '../../core/mails.ts'
import type { NotificationKey } from '../../core/profile.ts'

export interface Suppression {
  readonly scope: SuppressionScope
  readonly reason: SuppressionReason
  readonly createdAt: number
}

/** What is known of a recipient. */
export interface Recipient {
  readonly suppressions: readonly Suppression[]
  /** What the user with this e-mail decided; null where there is no such user. */
  readonly preferences: Readonly<Record<string, boolean>> | null
  /** Optional mails that went to the address within the hour and the day. */
  readonly lastHour: number
  readonly lastDay: number
}

/** The preference that a kind of mail hangs on; null for those that always go out. */
export function preferenceOf(kind: MailKind): NotificationKey | null {
  return kind in optionalMails ? optionalMails[kind as keyof typeof optionalMails] : null
}

/**
 * Why a mail of this kind is not sent to the recipient; null where it is. Staff's word and a missing mailbox stop all mails, the latter
 * for `bounceCountsMs`; a complaint or an unsubscription those that one can do without, and of all kinds also the question whether
 * one wants them. A user's own preferences stand above
 * what was unsubscribed by kind before there was the user.
 */
export function suppressionOf(kind: MailKind, { suppressions, preferences }: Recipient, nowMs: number): string | null {
  const preference = preferenceOf(kind)
  const isQuestion = kind === 'confirm_recipient'
  const stops = ({ scope, reason, createdAt }: Suppression): boolean => {
    if (scope !== 'all' && scope !== preference) return false
    switch (reason) {
      case 'manual':
        return true
      case 'bounce':
        return createdAt > nowMs - bounceCountsMs
      case 'complaint':
        return preference !== null || isQuestion
      case 'unsubscribe':
        return isQuestion || (preference !== null && (scope === 'all' || preferences === null))
    }
  }
  const stopping = suppressions.find(stops)
  if (stopping !== undefined) return `${stopping.reason} (${stopping.scope})`
  return preference !== null && preferences?.[preference] === false ? `turned off in the profile (${preference})` : null
}
