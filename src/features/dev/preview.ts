import { mailKinds, turnedOffBy } from '../../core/mails.ts'
import type { MailKind } from '../../core/mails.ts'
import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'
import { escaped } from '../mails/html.ts'
import type { Html } from '../mails/html.ts'
import type { MailPlace, MailText } from '../mails/mail_text.ts'
import { mailTexts } from '../mails/mail_texts.ts'
import { samplesOf } from '../mails/samples.ts'
import { refuseElsewhere } from './local_only.ts'

/** Mails are styled in their tags; nothing else may load or run. */
export const previewHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

const style = `:root{color-scheme:light dark}
body{margin:16px;font:15px/22px system-ui,sans-serif}
main{display:flex;flex-wrap:wrap;gap:16px;align-items:flex-start}
iframe{height:1100px;border:1px solid #888}
pre{flex:1 1 360px;margin:0;white-space:pre-wrap;overflow-wrap:anywhere}`

/** All kinds with the names of their samples. Throws 404 but on a development machine. */
export function listPreviews(ctx: BaseCtx, requestUrl: string): string {
  refuseElsewhere(ctx, requestUrl)
  return page('Mails', escaped`<h1>Mails</h1>${index(ctx)}`)
}

/** A sample as it looks in a wide and in a narrow window, with its text beside it. Throws 404 for one that there is not. */
export function previewMail(ctx: BaseCtx, requestUrl: string, wanted: { kind: string; sample: string | undefined }): string {
  refuseElsewhere(ctx, requestUrl)
  const kind = mailKinds.find((one) => one === wanted.kind)
  const [name, params] =
    kind === undefined
      ? []
      : (Object.entries<unknown>(samplesOf(ctx.config.publicUrl)[kind]).find(([each]) => each === (wanted.sample ?? each)) ?? [])
  if (kind === undefined || name === undefined) throw problem('not_found', 'There is no such mail.')
  const { subject, text, html } = write(ctx, kind, params)
  const frame = (width: number) =>
    escaped`<iframe sandbox title="${width} pixels wide" width="${width}" style="flex:none;width:${width}px" srcdoc="${html}"></iframe>`
  const shown = escaped`<p><a href="/dev/mails">All mails</a></p><h1>${subject}</h1><p>${kind}, ${name}</p>`
  return page(subject, escaped`${shown}<main>${frame(680)}${frame(360)}<pre>${text}</pre></main>`)
}

function index(ctx: BaseCtx): Html {
  const samples = samplesOf(ctx.config.publicUrl)
  const items = mailKinds.flatMap((kind) =>
    Object.entries<unknown>(samples[kind]).map(([name, params]) => {
      const { subject } = write(ctx, kind, params)
      return escaped`<li><a href="/dev/mails/${kind}?sample=${name}">${kind}, ${name}</a>: ${subject}</li>`
    }),
  )
  return escaped`<ul>${items}</ul>`
}

function write({ config: { publicUrl } }: BaseCtx, kind: MailKind, params: unknown): MailText {
  const unsubscribeUrl = turnedOffBy(kind) !== null ? `${publicUrl}/unsubscribe?token=sample` : null
  // Kind and parameters are of one sample, which the compiler cannot see.
  const writer = mailTexts[kind] as (params: unknown, place: MailPlace) => MailText
  return writer(params, { to: 'ann@example.com', publicUrl, unsubscribeUrl })
}

function page(title: string, body: Html): string {
  return escaped`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${{ markup: style }}</style></head>
<body>${body}</body>
</html>
`.markup
}
