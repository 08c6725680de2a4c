import { describe, expect, it } from 'vitest'
import { bounceCountsMs } from '../../../src/core/limits.ts'
import { mailKinds, optionalMails } from '../../../src/core/mails.ts'
import type { MailKind, SuppressionReason, SuppressionScope } from '../../../src/core/mails.ts'
import { suppressionOf } from '../../../src/jobs/mail/suppression.ts'
import type { Recipient } from '../../../src/jobs/mail/suppression.ts'

const now = Date.UTC(2026, 10, 22)
const optional = Object.keys(optionalMails) as MailKind[]
/** Whoever wants none of them does not want to be asked either. */
const unwanted = [...optional, 'confirm_recipient'].toSorted()
const essential = mailKinds.filter((kind) => !optional.includes(kind))

function stopped(recipient: Partial<Recipient>): MailKind[] {
  return mailKinds.filter(
    (kind) => suppressionOf(kind, { suppressions: [], preferences: null, lastHour: 0, lastDay: 0, ...recipient }, now) !== null,
  )
}
const row = (reason: SuppressionReason, scope: SuppressionScope = 'all', createdAt = now - 1) => ({ reason, scope, createdAt })

describe('mails are stopped', () => {
  it('not at all for an address of which nothing is known', () => {
    expect(stopped({})).toEqual([])
  })

  it('all of them by staff, and by a mailbox that is not there', () => {
    for (const reason of ['manual', 'bounce'] as const) expect(stopped({ suppressions: [row(reason)] })).toEqual(mailKinds)
  })

  it('only for a while by a mailbox that was not there', () => {
    expect(stopped({ suppressions: [row('bounce', 'all', now - bounceCountsMs)] })).toEqual([])
    expect(stopped({ suppressions: [row('manual', 'all', now - bounceCountsMs)] })).toEqual(mailKinds)
  })

  it('only those that one can do without by a complaint or an unsubscription: a new password must still be possible', () => {
    for (const reason of ['complaint', 'unsubscribe'] as const)
      expect(stopped({ suppressions: [row(reason)] }).toSorted()).toEqual(unwanted)
    expect(essential).toContain('reset_password')
  })

  it('only of their kind by what names one', () => {
    for (const reason of ['complaint', 'unsubscribe', 'manual', 'bounce'] as const)
      expect(stopped({ suppressions: [row(reason, 'alerts')] })).toEqual(['alert'])
  })

  it('as a user decided, who may have wanted them again since', () => {
    expect(stopped({ preferences: { reports: false, alerts: true } })).toEqual(['report'])
    expect(stopped({ preferences: {} })).toEqual([])
    expect(stopped({ preferences: {}, suppressions: [row('unsubscribe', 'alerts')] })).toEqual([])
    expect(stopped({ preferences: null, suppressions: [row('unsubscribe', 'alerts')] })).toEqual(['alert'])
    expect(stopped({ preferences: { alerts: true }, suppressions: [row('unsubscribe', 'all')] }).toSorted()).toEqual(unwanted)
    expect(stopped({ preferences: { alerts: true }, suppressions: [row('complaint')] }).toSorted()).toEqual(unwanted)
  })
})
