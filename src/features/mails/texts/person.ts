import { button, code, heading, paragraph } from '../blocks.ts'
import { named, oneLine, plain, strong, words } from '../html.ts'
import { mail } from '../layout.ts'
import { ignore, mailbox, notYou, securityReason, step, time } from './said.ts'
import type { Writers } from './said.ts'

const newPassword = ', "password": "..."'

const mailsOf = { alerts: 'alerts', reports: 'reports', weekly_digest: 'weekly digests' } as const

/** Mails about a person's account on Edgelog, and the way into it. */
export const personTexts: Writers<
  | 'welcome'
  | 'registration_known'
  | 'verify_email'
  | 'verify_reminder'
  | 'reset_password'
  | 'set_password'
  | 'password_changed'
  | 'change_email_old'
  | 'change_email_new'
  | 'email_changed'
  | 'user_deleted'
  | 'mails_turned_off'
> = {
  welcome: ({ token }, place) =>
    mail(place, {
      subject: 'Welcome to Edgelog',
      preview: 'Confirm your e-mail address.',
      reason: `You get this mail because ${place.to} was registered with Edgelog.`,
      blocks: [
        heading(plain('Welcome to Edgelog')),
        paragraph(words`Your Edgelog account for ${mailbox(place.to)} is ready. Confirm your e-mail address within a day:`),
        step(place, 'auth/verify-email', token),
        button('Open Edgelog', place.publicUrl),
        paragraph('If you did not register, somebody else used your address; you can ignore this mail.'),
      ],
    }),

  registration_known: (_, place) =>
    mail(place, {
      subject: 'You already have an Edgelog account',
      preview: 'Somebody, perhaps you, tried to register again. Nothing was changed.',
      reason: `You get this mail because somebody tried to register ${place.to}.`,
      blocks: [
        heading(plain('You already have an account')),
        paragraph(
          words`Somebody, perhaps you, tried to register ${mailbox(place.to)} with Edgelog. There is an account with this address already, so nothing was changed. Log in with the password you have, or have it reset.`,
        ),
        button('Open Edgelog', place.publicUrl),
        paragraph('If it was not you, you can ignore this mail.'),
      ],
    }),

  verify_email: ({ token }, place) =>
    mail(place, {
      subject: 'Confirm your e-mail address',
      preview: `Confirm that ${place.to} is yours.`,
      reason: `You get this mail because a confirmation of ${place.to} was asked for.`,
      blocks: [
        heading(plain('Confirm your e-mail address')),
        paragraph(words`Confirm that ${mailbox(place.to)} is yours, within a day:`),
        step(place, 'auth/verify-email', token),
        ignore,
      ],
    }),

  verify_reminder: ({ token, ends_at_ms }, place) =>
    mail(place, {
      subject: 'Your e-mail address is not confirmed yet',
      preview: ends_at_ms === null ? 'Confirm that it is yours.' : `Confirm it, or the account is deleted at ${time(ends_at_ms).text}.`,
      reason: `You get this mail once, because ${place.to} was registered with Edgelog and not confirmed.`,
      blocks: [
        heading(plain('Your e-mail address is not confirmed yet')),
        paragraph(words`You registered ${mailbox(place.to)} with Edgelog. Confirm within a day that it is yours:`),
        step(place, 'auth/verify-email', token),
        paragraph('Later, ask for another mail:'),
        code(`POST ${place.publicUrl}/api/v1/auth/verify-email/resend\n{"email": "${oneLine(place.to)}"}`),
        ...(ends_at_ms === null
          ? []
          : [paragraph(words`If you do not, the account is deleted at ${strong(time(ends_at_ms))}, unless you have stored logs by then.`)]),
        paragraph('If you did not register, somebody else used your address; you can ignore this mail.'),
      ],
    }),

  reset_password: ({ token }, place) =>
    mail(place, {
      subject: 'Reset your Edgelog password',
      preview: 'Choose a new password within the hour.',
      reason: `You get this mail because a new password was asked for, for ${place.to}.`,
      blocks: [
        heading(plain('Reset your password')),
        paragraph(words`A new password was asked for, for the account of ${mailbox(place.to)}. Choose one within the hour:`),
        step(place, 'auth/password-reset/confirm', token, newPassword),
        paragraph('If you did not ask for this, you can ignore this mail. Your password stays as it is.'),
      ],
    }),

  set_password: ({ token, account_name }, place) =>
    mail(place, {
      subject: 'Your new Edgelog account',
      preview: 'Choose your password.',
      reason: `You get this mail because an account's administrator made a user of ${place.to}.`,
      blocks: [
        heading(plain('Your new Edgelog account')),
        paragraph(words`An account for ${mailbox(place.to)} was made in ${named(account_name)}. Choose your password:`),
        step(place, 'auth/password-reset/confirm', token, newPassword),
        paragraph('If you do not know why, you can ignore this mail.'),
      ],
    }),

  password_changed: ({ at_ms }, place) =>
    mail(place, {
      subject: 'Your Edgelog password was changed',
      preview: 'All other sessions were ended.',
      reason: securityReason,
      blocks: [
        heading(plain('Your password was changed')),
        paragraph(words`The password of ${mailbox(place.to)} was changed at ${time(at_ms)}. All other sessions were ended.`),
        notYou,
      ],
    }),

  change_email_old: ({ token, new_email }, place) =>
    mail(place, {
      subject: 'Confirm the change of your e-mail address',
      preview: 'It moves once both addresses confirm.',
      reason: securityReason,
      blocks: [
        heading(plain('Confirm the change of your e-mail address')),
        paragraph(words`Your Edgelog account is to move to ${mailbox(new_email)}. It moves once both addresses confirm:`),
        step(place, 'auth/change-email/confirm', token),
        notYou,
      ],
    }),

  change_email_new: ({ token }, place) =>
    mail(place, {
      subject: 'Confirm your new e-mail address',
      preview: 'It moves once both addresses confirm.',
      reason: `You get this mail because an Edgelog account is to move to ${place.to}.`,
      blocks: [
        heading(plain('Confirm your new e-mail address')),
        paragraph(words`An Edgelog account is to move to ${mailbox(place.to)}. It moves once both addresses confirm:`),
        step(place, 'auth/change-email/confirm', token),
        ignore,
      ],
    }),

  email_changed: ({ new_email }, place) =>
    mail(place, {
      subject: 'Your e-mail address was changed',
      preview: 'Your Edgelog account has another address from now on.',
      reason: securityReason,
      blocks: [
        heading(plain('Your e-mail address was changed')),
        paragraph(words`Your Edgelog account belongs to ${mailbox(new_email)} from now on.`),
        notYou,
      ],
    }),

  mails_turned_off: ({ mails }, place) =>
    mail(place, {
      subject: `You get no more ${mailsOf[mails]} of Edgelog`,
      preview: 'Somebody, perhaps you, used the link in one of these mails.',
      reason: `You get this mail because ${mailsOf[mails]} to ${place.to} were turned off.`,
      blocks: [
        heading(plain(`No more ${mailsOf[mails]}`)),
        paragraph(
          words`Somebody, perhaps you, turned ${plain(mailsOf[mails])} to ${mailbox(place.to)} off by the link in one of these mails. You can turn them on again in your profile.`,
        ),
        button('Open Edgelog', place.publicUrl),
        paragraph('If it was not you, somebody has a mail that was sent to you, perhaps since it was passed on.'),
      ],
    }),

  user_deleted: ({ purge_at_ms }, place) =>
    mail(place, {
      subject: 'Your Edgelog account was deleted',
      preview: `It can be restored until ${time(purge_at_ms).text}.`,
      reason: `You get this mail because ${place.to} had an Edgelog account.`,
      blocks: [
        heading(plain('Your account was deleted')),
        paragraph(
          words`The account of ${mailbox(place.to)} was deleted. It can be restored until ${strong(time(purge_at_ms))}; then all that is known of you is gone.`,
        ),
      ],
    }),
}
