import { heading, paragraph } from '../blocks.ts'
import { defused, named, plain, strong, words } from '../html.ts'
import { mail } from '../layout.ts'
import { ignore, mailbox, step, time } from './said.ts'
import type { Writers } from './said.ts'

/** What goes with it. */
const kept = { organization: 'all its logs', account: 'all its organizations and their logs' } as const

/**
 * Mails about organizations and accounts, and what somebody may do in them. Their subjects hold no name: whoever makes an organization
 * could otherwise write the subject of a mail to anybody.
 */
export const organizationTexts: Writers<
  'invitation' | 'membership_changed' | 'membership_removed' | 'ownership_transferred' | 'organization_deleted' | 'confirm_recipient'
> = {
  invitation: ({ token, organization_name, invited_by, role }, place) =>
    mail(place, {
      subject: 'Invitation to an organization on Edgelog',
      preview: `${named(invited_by).text} invites you.`,
      reason: `You get this mail because somebody invited ${place.to}.`,
      blocks: [
        heading(words`Invitation to ${named(organization_name)}`),
        paragraph(
          words`${named(invited_by)} invites you to ${named(organization_name)} as ${strong(defused(role))}, for seven days. If you have an Edgelog account with this address, log in and accept:`,
        ),
        step(place, 'invitations/accept', token),
        paragraph('If you have none, choose a password:'),
        step(place, 'invitations/register', token, ', "password": "..."'),
        paragraph('If you do not know why, you can ignore this mail.'),
      ],
    }),

  membership_changed: ({ thing, name, role }, place) =>
    mail(place, {
      subject: 'Your role was changed',
      preview: `It is ${defused(role)} from now on.`,
      reason: `You get this mail because you have a role in this ${thing}.`,
      blocks: [
        heading(plain('Your role was changed')),
        paragraph(words`Your role in the ${thing} ${named(name)} is ${strong(defused(role))} from now on.`),
      ],
    }),

  membership_removed: ({ thing, name }, place) =>
    mail(place, {
      subject: `You have no role in an ${thing} any more`,
      preview: 'Somebody who manages it removed you.',
      reason: `You get this mail because you had a role in this ${thing}.`,
      blocks: [heading(plain('Your role was removed')), paragraph(words`You have no role in the ${thing} ${named(name)} any more.`)],
    }),

  ownership_transferred: ({ thing, name, to }, place) =>
    mail(place, {
      subject: 'Ownership handed over',
      preview: 'It belongs to somebody else from now on.',
      reason: `You get this mail because you have a role in this ${thing}.`,
      blocks: [
        heading(plain('Ownership handed over')),
        paragraph(words`The ${thing} ${named(name)} belongs to ${mailbox(to)} from now on.`),
      ],
    }),

  organization_deleted: ({ thing, name, purge_at_ms }, place) =>
    mail(place, {
      subject: `An ${thing} was deleted`,
      preview: `An owner can restore it until ${time(purge_at_ms).text}.`,
      reason: `You get this mail because you had a role in this ${thing}.`,
      blocks: [
        heading(plain(`An ${thing} was deleted`)),
        paragraph(
          words`The ${thing} ${named(name)} was deleted. An owner can restore it until ${strong(time(purge_at_ms))}; then it is gone with ${kept[thing]}.`,
        ),
      ],
    }),

  confirm_recipient: ({ token, organization_name, asked_by }, place) =>
    mail(place, {
      subject: 'Confirm that you want mails of Edgelog',
      preview: `${named(asked_by).text} wants to send you alerts and reports.`,
      reason: `You get this mail because somebody named ${place.to} as a recipient. Without your confirmation nothing is sent to it.`,
      blocks: [
        heading(plain('Do you want these mails?')),
        paragraph(
          words`${named(asked_by)} of ${named(organization_name)} wants to send alerts and reports to ${mailbox(place.to)}. Confirm that you want them:`,
        ),
        step(place, 'notification-channels/confirm-email', token),
        ignore,
      ],
    }),
}
