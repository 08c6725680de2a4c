import { heading, paragraph } from '../blocks.ts'
import { defused, plain, words } from '../html.ts'
import type { Words } from '../html.ts'
import { mail } from '../layout.ts'
import type { MailPlace, MailText } from '../mail_text.ts'
import { mailbox, notYou, securityReason, time } from './said.ts'
import type { Writers } from './said.ts'

/** Mails about what happened to a person's account that the person should know of. */
export const securityTexts: Writers<
  'new_device' | 'second_factor_enabled' | 'second_factor_disabled' | 'recovery_code_used' | 'second_factor_failed'
> = {
  new_device: ({ device, place: from, at_ms }, place) => {
    const where = from === null ? '' : `, ${defused(from)}`
    return notice(
      place,
      'New login to Edgelog',
      words`${mailbox(place.to)} logged in from a device not seen before: ${defused(device)}${where}, at ${time(at_ms)}.`,
    )
  },

  second_factor_enabled: (_, place) =>
    notice(place, 'Second factor enabled', words`Logging in as ${mailbox(place.to)} needs a code of your authenticator from now on.`),

  second_factor_disabled: (_, place) =>
    notice(place, 'Second factor disabled', words`Logging in as ${mailbox(place.to)} needs only the password from now on.`),

  recovery_code_used: ({ left }, place) =>
    notice(
      place,
      'A recovery code was used',
      words`Somebody logged in as ${mailbox(place.to)} with a recovery code; ${left} ${left === 1 ? 'is' : 'are'} left.`,
    ),

  second_factor_failed: ({ at_ms }, place) =>
    notice(
      place,
      'A code was wrong',
      words`Somebody typed the password of ${mailbox(place.to)} and then a wrong code of the authenticator or a wrong recovery code, at ${time(at_ms)}. Nobody was let in. If that happens again within a day, no further mail tells of it.`,
    ),
}

function notice(place: MailPlace, subject: string, said: Words): MailText {
  const blocks = [heading(plain(subject)), paragraph(said), notYou]
  return mail(place, { subject, preview: said.text, reason: securityReason, blocks })
}
