import { mailAttachmentsBytesMax } from '../../core/limits.ts'
import { mailParams, turnedOffBy } from '../../core/mails.ts'
import { mailDomain } from '../../core/mail_settings.ts'
import type { BaseCtx } from '../../db/context.ts'
import { mailParamsOf } from '../../db/mails.ts'
import type { mails } from '../../db/schema_content.ts'
import type { MailAttachment, MailPlace, MailText } from '../../features/mails/mail_text.ts'
import { mailTexts } from '../../features/mails/mail_texts.ts'
import { unsubscribeUrl } from '../../features/unsubscribe/token.ts'
import { MailError, unmailable } from './mail_error.ts'
import type { OutgoingFile, OutgoingMail } from './outgoing.ts'

/**
 * The mail of a row, as it is to be sent. Throws a permanent MailError where its text cannot be written or its files are too large;
 * those that cannot be read now may be later.
 */
export async function writeMail(ctx: BaseCtx, row: typeof mails.$inferSelect): Promise<OutgoingMail> {
  const { id, ownerId, kind, recipient: to, createdAt: writtenMs } = row
  const { from } = ctx.config.mail
  const scope = turnedOffBy(kind)
  const unsubscribe = scope === null ? null : unsubscribeUrl(ctx, { email: to, scope, organizationId: ownerId })
  const { subject, text, html, attachments = [] } = textOf(ctx, row, { to, publicUrl: ctx.config.publicUrl, unsubscribeUrl: unsubscribe })
  return {
    id,
    ownerId,
    from,
    to,
    messageId: `<${id}@${mailDomain(ctx.config.publicUrl)}>`,
    writtenMs,
    subject,
    text,
    html,
    files: await readFiles(ctx, attachments),
    unsubscribeUrl: unsubscribe,
  }
}

function textOf(ctx: BaseCtx, row: typeof mails.$inferSelect, place: MailPlace): MailText {
  // Both tables have the same kinds, which the compiler cannot see of a kind that it does not know.
  const write = mailTexts[row.kind] as (params: unknown, place: MailPlace) => MailText
  try {
    return write(mailParams[row.kind].parse(mailParamsOf(ctx, row)), place)
  } catch (error) {
    // It is made of nothing but the row, so it never will be written.
    const detail = error instanceof Error ? error.message : String(error)
    throw new MailError('text', `its text cannot be written: ${detail}`, { permanent: true, cause: error })
  }
}

/** The files of a mail, whole: each transport needs them in Base64 anyway. */
async function readFiles({ env }: BaseCtx, attachments: readonly MailAttachment[]): Promise<OutgoingFile[]> {
  const announced = attachments.reduce((sum, { bytes }) => sum + bytes, 0)
  if (announced > mailAttachmentsBytesMax) throw unmailable(`its files have ${announced} bytes, of at most ${mailAttachmentsBytesMax}`)
  const files: OutgoingFile[] = []
  for (const { filename, contentType, key, bytes } of attachments) {
    const object = await env.STORAGE.get(key)
    if (object === null) throw unmailable(`its file ${filename} is gone`)
    if (object.size !== bytes) {
      await object.body.cancel()
      throw unmailable(`its file ${filename} has ${object.size} bytes instead of ${bytes}`)
    }
    files.push({ filename, contentType, content: new Uint8Array(await object.arrayBuffer()) })
  }
  return files
}
