import type { MailKind, MailParams } from '../../core/mails.ts'
import type { MailPlace, MailText } from './mail_text.ts'

type Writer<K extends MailKind> = (params: MailParams<K>, place: MailPlace) => MailText

const notYou = 'If it was not you, change your password now: somebody else may know it.'
const ignore = 'If you did not ask for this, you can ignore this mail.'

/** What goes with it. */
const kept = { organization: 'all its logs', account: 'all its organizations and their logs' } as const

/** The text of each kind of mail. */
export const mailTexts: { readonly [K in MailKind]: Writer<K> } = {
  welcome: ({ token }, { to, publicUrl }) =>
    mail(
      'Welcome to Edgelog',
      `your Edgelog account for ${to} is ready at ${publicUrl}. Confirm your e-mail address:`,
      step(publicUrl, 'auth/verify-email', token),
      'If you did not register, somebody else used your address; you can ignore this mail.',
    ),
  registration_known: (_, { to, publicUrl }) =>
    mail(
      'You already have an Edgelog account',
      `somebody, perhaps you, tried to register ${to} with Edgelog. There is an account with this address already, so nothing was changed. Log in with the password you have at ${publicUrl}, or have it reset there.`,
      'If it was not you, you can ignore this mail.',
    ),
  verify_email: ({ token }, { to, publicUrl }) =>
    mail('Confirm your e-mail address', `confirm that ${to} is yours:`, step(publicUrl, 'auth/verify-email', token), ignore),
  reset_password: ({ token }, { to, publicUrl }) =>
    mail(
      'Reset your Edgelog password',
      `a new password was asked for, for the account of ${to}. Choose one within the hour:`,
      step(publicUrl, 'auth/password-reset/confirm', token, ', "password": "..."'),
      `${ignore} Your password stays as it is.`,
    ),
  set_password: ({ token, account_name }, { to, publicUrl }) =>
    mail(
      'Your new Edgelog account',
      `an account for ${to} was made in ${named(account_name)}. Choose your password:`,
      step(publicUrl, 'auth/password-reset/confirm', token, ', "password": "..."'),
      'If you do not know why, you can ignore this mail.',
    ),
  password_changed: ({ at_ms }, { to }) =>
    mail(
      'Your Edgelog password was changed',
      `the password of ${to} was changed at ${time(at_ms)}. All other sessions were ended.`,
      notYou,
    ),
  change_email_old: ({ token, new_email }, { publicUrl }) =>
    mail(
      'Confirm the change of your e-mail address',
      `your Edgelog account is to move to ${new_email}. It moves once both addresses confirm:`,
      step(publicUrl, 'auth/change-email/confirm', token),
      notYou,
    ),
  change_email_new: ({ token }, { to, publicUrl }) =>
    mail(
      'Confirm your new e-mail address',
      `an Edgelog account is to move to ${to}. It moves once both addresses confirm:`,
      step(publicUrl, 'auth/change-email/confirm', token),
      ignore,
    ),
  email_changed: ({ new_email }) =>
    mail('Your e-mail address was changed', `your Edgelog account belongs to ${new_email} from now on.`, notYou),
  new_device: ({ device, place, at_ms }, { to }) =>
    mail(
      'New login to Edgelog',
      `${to} logged in from a device not seen before: ${device}${place === null ? '' : `, ${place}`}, at ${time(at_ms)}.`,
      notYou,
    ),
  second_factor_enabled: (_, { to }) =>
    mail('Second factor enabled', `logging in as ${to} needs a code of your authenticator from now on.`, notYou),
  second_factor_disabled: (_, { to }) => mail('Second factor disabled', `logging in as ${to} needs only the password from now on.`, notYou),
  recovery_code_used: ({ left }, { to }) =>
    mail('A recovery code was used', `somebody logged in as ${to} with a recovery code; ${left} are left.`, notYou),
  second_factor_failed: ({ at_ms }, { to }) =>
    mail(
      'A code was wrong',
      `somebody typed the password of ${to} and then a wrong code of the authenticator or a wrong recovery code, at ${time(at_ms)}. Nobody was let in. If that happens again within a day, no further mail tells of it.`,
      notYou,
    ),
  invitation: ({ token, organization_name, invited_by, role }, { publicUrl }) =>
    mail(
      'Invitation to an organization on Edgelog',
      `${named(invited_by)} invites you to ${named(organization_name)} as ${role}, for seven days. If you have an Edgelog account with this address, log in and accept:`,
      step(publicUrl, 'invitations/accept', token),
      'If you have none, choose a password:',
      step(publicUrl, 'invitations/register', token, ', "password": "..."'),
      'If you do not know why, you can ignore this mail.',
    ),
  membership_changed: ({ thing, name, role }) =>
    mail('Your role was changed', `your role in the ${thing} ${named(name)} is ${role} from now on.`),
  membership_removed: ({ thing, name }) =>
    mail(`You have no role in an ${thing} any more`, `you have no role in the ${thing} ${named(name)} any more.`),
  ownership_transferred: ({ thing, name, to }) =>
    mail('Ownership handed over', `the ${thing} ${named(name)} belongs to ${to} from now on.`),
  organization_deleted: ({ thing, name, purge_at_ms }) =>
    mail(
      `An ${thing} was deleted`,
      `the ${thing} ${named(name)} was deleted. An owner can restore it until ${time(purge_at_ms)}; then it is gone with ${kept[thing]}.`,
    ),
  user_deleted: ({ purge_at_ms }, { to }) =>
    mail(
      'Your Edgelog account was deleted',
      `the account of ${to} was deleted. It can be restored until ${time(purge_at_ms)}; then all that is known of you is gone.`,
    ),
  verify_reminder: ({ token, ends_at_ms }, { to, publicUrl }) =>
    mail(
      'Your e-mail address is not confirmed yet',
      `you registered ${to} with Edgelog. Confirm that it is yours:`,
      step(publicUrl, 'auth/verify-email', token),
      ...(ends_at_ms === null ? [] : [`If you do not, the account is deleted at ${time(ends_at_ms)}.`]),
    ),
  confirm_recipient: ({ token, organization_name, asked_by }, { to, publicUrl }) =>
    mail(
      'Confirm that you want mails of Edgelog',
      `${named(asked_by)} of ${named(organization_name)} wants to send alerts and reports to ${to}. Confirm that you want them:`,
      step(publicUrl, 'notification-channels/confirm-email', token),
      ignore,
    ),
  alert: ({ notice }) =>
    mail(
      `Alert ${notice.kind}`,
      `${named(notice.rule.name)}: ${notice.rule.condition}.`,
      ...notice.groups.map(({ group, state, value, since }) => `${JSON.stringify(group)} ${state}, ${value ?? 'no value'}, since ${since}`),
      notice.logs_url,
    ),
  report: ({ report, rows, truncated }) =>
    mail(
      'Scheduled report',
      `${named(report.name)} from ${report.from} to ${report.to}: ${rows} rows${truncated ? ', and there are more' : ''}.`,
    ),
  weekly_digest: ({ organization_name, from_day, to_day, rows, rows_before }) =>
    mail('Weekly digest', `${named(organization_name)} from ${from_day} to ${to_day}: ${rows} logs, ${rows_before} the week before.`),
}

function mail(subject: string, ...paragraphs: string[]): MailText {
  const lines = ['Hello,', ...paragraphs]
  const html = lines.map((line) => `<p>${escaped(line).replaceAll('\n', '<br>')}</p>`).join('\n')
  return { subject, text: lines.join('\n\n'), html: `<!doctype html>\n<html lang="en"><body>\n${html}\n</body></html>\n` }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/**
 * A name that somebody chose, so that it is seen to be one and no mail program makes a link of it: in quotes, with brackets
 * around dots inside words (also those that become one in a host name) and around the colon of a scheme.
 */
function named(name: string): string {
  return `"${name
    .replaceAll('"', "'")
    .replaceAll(/(?<=\S)[.\u3002\uff0e\uff61\u2024](?=\S)/gu, '[.]')
    .replaceAll(/(?<=\S):(?=\S)/gu, '[:]')}"`
}

/** How to use a token. It is in no address, which servers and browsers would remember. */
function step(publicUrl: string, path: string, token: string, more = ''): string {
  return `POST ${publicUrl}/api/v1/${path}\n{"token": "${token}"${more}}`
}

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
