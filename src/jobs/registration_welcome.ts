import type { EmailJobOf } from '../core/jobs.ts'
import type { MailText } from './mail_message.ts'

/** To a new user. */
export function registrationWelcome({ to }: EmailJobOf<'registration_welcome'>, publicUrl: string): MailText {
  return {
    subject: 'Welcome to Edgelog',
    text: [
      'Hello,',
      '',
      `your Edgelog account for ${to} is ready. Log in, make an API key and send your first logs:`,
      publicUrl,
      '',
      'If you did not register, somebody else used your address; you can ignore this mail.',
    ].join('\n'),
  }
}
