import { toBase64 } from '../../core/bytes.ts'
import { mailServiceMs } from '../../core/limits.ts'
import type { SendgridSettings } from '../../core/mail_settings.ts'
import { MailError } from './mail_error.ts'
import { extraHeaders, refuseInjection } from './outgoing.ts'
import type { OutgoingMail, Transport } from './outgoing.ts'

/** Characters of an answer that are worth keeping. */
const answerCharsMax = 1_000

/**
 * Hands the mail to SendGrid, which makes the MIME of it: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
 * Should the answer get lost the mail is sent again, with the same Message-ID.
 */
export function sendgridTransport({ url, apiKey }: SendgridSettings): Transport {
  return async (_, mail) => {
    refuseInjection(mail)
    let answer: Response
    try {
      answer = await fetch(`${url}/v3/mail/send`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(sendgridBody(mail)),
        // A key must not be carried elsewhere.
        redirect: 'manual',
        signal: AbortSignal.timeout(mailServiceMs),
      })
    } catch (error) {
      throw new MailError('unreachable', error instanceof Error ? error.message : String(error), { permanent: false, cause: error })
    }
    if (answer.status !== 202) throw sendgridError(answer.status, await startOf(answer))
    await answer.body?.cancel()
  }
}

/** What SendGrid is told of a mail. */
export function sendgridBody(mail: OutgoingMail): Record<string, unknown> {
  return {
    // Comes back with the events about this mail.
    personalizations: [{ to: [{ email: mail.to }], custom_args: { mail_id: mail.id } }],
    from: { email: mail.from.address, name: mail.from.name },
    subject: mail.subject,
    content: [
      { type: 'text/plain', value: mail.text },
      { type: 'text/html', value: mail.html },
    ],
    headers: { ...extraHeaders(mail), 'Message-ID': mail.messageId },
    ...(mail.files.length > 0 && {
      attachments: mail.files.map(({ filename, contentType, content }) => {
        return { filename, type: contentType, disposition: 'attachment', content: toBase64(content) }
      }),
    }),
    // Links of ours hold tokens, and what people read is theirs.
    tracking_settings: { click_tracking: { enable: false }, open_tracking: { enable: false }, subscription_tracking: { enable: false } },
  }
}

/**
 * What an answer other than 202 means. Only what SendGrid says of the mail itself is for good; a wrong key is not, as somebody will
 * mend it, and neither are limits and its own failures.
 */
export function sendgridError(status: number, answer: string): MailError {
  const isSetup = [401, 403, 404, 405].includes(status) || (status >= 300 && status < 400)
  return new MailError(String(status), `SendGrid answered ${status}: ${answer}`, { permanent: [400, 413, 415].includes(status), isSetup })
}

async function startOf(answer: Response): Promise<string> {
  let text = ''
  try {
    const decoder = new TextDecoder()
    for await (const chunk of answer.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      if (text.length >= answerCharsMax) break
    }
  } catch (error) {
    // What was read before tells more than nothing.
    return `${text} (${error instanceof Error ? error.message : 'cut'})`
  }
  return text.slice(0, answerCharsMax)
}
