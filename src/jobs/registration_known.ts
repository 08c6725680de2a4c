import type { EmailJobOf } from '../core/jobs.ts'
import type { MailText } from './mail_message.ts'

/** To the owner of an e-mail with which somebody tried to register again. */
export function registrationKnown({ to }: EmailJobOf<'registration_known'>, publicUrl: string): MailText {
  return {
    subject: 'You already have an Edgelog account',
    text: [
      'Hello,',
      '',
      `somebody, perhaps you, tried to register ${to} with Edgelog. There is an account with this address already,`,
      'so nothing was changed. Log in with the password you have:',
      publicUrl,
      '',
      'If it was not you, you can ignore this mail.',
    ].join('\n'),
  }
}
