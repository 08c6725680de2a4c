import MailComposer from 'nodemailer/lib/mail-composer'
import { extraHeaders, refuseInjection } from './outgoing.ts'
import type { OutgoingMail } from './outgoing.ts'

/**
 * The mail as it goes over the wire (RFC 5322), each line ended by CR LF: text and HTML as alternatives, files behind them. The same
 * mail gives the same bytes. Throws a MailError for what would break out of its header.
 */
export async function renderMail(mail: OutgoingMail): Promise<string> {
  refuseInjection(mail)
  const composer = new MailComposer({
    from: mail.from,
    to: { name: '', address: mail.to },
    subject: mail.subject,
    messageId: mail.messageId,
    date: new Date(mail.writtenMs),
    text: lines(mail.text),
    html: lines(mail.html),
    headers: extraHeaders(mail),
    attachments: mail.files.map(({ filename, contentType, content }) => {
      return { filename, contentType, content: Buffer.from(content.buffer, content.byteOffset, content.byteLength) }
    }),
    baseBoundary: `edgelog-${mail.id}`,
    newline: '\r\n',
    // Nothing of a mail is ever looked up on the machine or the network.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const message = await composer.compile().build()
  // Everything beyond ASCII was encoded, so that each byte is a character.
  return message.toString('latin1')
}

/** A lone CR would stay one, which some servers take for the end of a line and others do not: a way to smuggle commands. */
function lines(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n')
}
