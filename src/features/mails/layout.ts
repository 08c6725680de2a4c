import { subjectCharsMax } from '../../core/limits.ts'
import { link, note } from './blocks.ts'
import type { Block } from './blocks.ts'
import { cut, escaped, oneLine, plain, words } from './html.ts'
import type { Html } from './html.ts'
import type { MailPlace, MailText } from './mail_text.ts'
import { dark, light } from './palette.ts'

/** What one mail says. */
export interface Content {
  subject: string
  /** What lists of mails show beside the subject. */
  preview: string
  /** Why the person gets it, as a sentence. */
  reason: string
  blocks: readonly Block[]
}

/** Only colours: nothing of the layout depends on it. */
const darkStyle = `:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (prefers-color-scheme:dark){
.page{background-color:${dark.page}!important}
.card{background-color:${dark.card}!important}
.code{background-color:${dark.code}!important;border-color:${dark.line}!important;color:${dark.text}!important}
.text{color:${dark.text}!important;border-color:${dark.line}!important}
.muted{color:${dark.muted}!important;border-color:${dark.line}!important}
.link{color:${dark.link}!important}
}`

/** The mail as text and as a document of one column of at most 600 px, both from the same blocks. */
export function mail(place: MailPlace, { subject, preview, reason, blocks }: Content): MailText {
  const oneSubject = cut(oneLine(subject), subjectCharsMax)
  const footer = footerOf(place, reason)
  const text = [...blocks, { text: '--' }, ...footer].map((block) => block.text).join('\n\n')
  return {
    subject: oneSubject,
    text: `${text}\n`,
    html: `${page(oneSubject, cut(oneLine(preview), subjectCharsMax), blocks, footer).markup}\n`,
  }
}

function footerOf({ publicUrl, unsubscribeUrl }: MailPlace, reason: string): Block[] {
  const off = unsubscribeUrl === null ? [] : [note(words`You do not want such mails? Turn them off: ${link(unsubscribeUrl)}`)]
  return [note(plain(reason)), ...off, note(words`Edgelog at ${link(publicUrl)}`)]
}

function page(subject: string, preview: string, blocks: readonly Block[], footer: readonly Block[]): Html {
  return escaped`<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
<title>${subject}</title>
<style>
${{ markup: darkStyle }}
</style>
</head>
<body class="page" style="margin:0;padding:0;background-color:${light.page}">
<div class="text" style="display:none;max-height:0;overflow:hidden;mso-hide:all;color:${light.text}">${preview}</div>
<table class="page" role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="${light.page}" style="width:100%;background-color:${light.page}">
<tr>
<td align="center" style="padding:24px 12px">
<!--[if mso]><table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->
${column(blocks, 'card', light.card)}
${column(footer, 'page', light.page)}
<!--[if mso]></td></tr></table><![endif]-->
</td>
</tr>
</table>
</body>
</html>`
}

/** One column over the whole width that there is, up to 600 px. */
function column(blocks: readonly Block[], ground: 'card' | 'page', color: string): Html {
  const rows = blocks.map((block) => block.html)
  return escaped`<table class="${ground}" role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="${color}" style="width:100%;max-width:600px;table-layout:fixed;background-color:${color};border-radius:8px">
<tr>
<td align="left" style="padding:24px 24px 8px 24px;text-align:left">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="width:100%;table-layout:fixed">
${rows}
</table>
</td>
</tr>
</table>`
}
