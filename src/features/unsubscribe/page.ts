import type { Unsubscription } from './token.ts'

/** What the page may do: send its one form here. */
export const pageHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
}

const mailsOf = {
  alerts: 'alerts',
  reports: 'scheduled reports',
  weekly_digest: 'the weekly digest',
  all: 'alerts, reports, digests and questions whether they are wanted',
} as const

/** Asks whether it is meant: programs that look at all links of a mail must not end anything. */
export function askPage({ email, scope }: Unsubscription, token: string): string {
  return page(
    'Unsubscribe',
    `<p>Stop sending ${mailsOf[scope]} of Edgelog to ${escaped(email)}?</p>
<form method="post" action="/unsubscribe?token=${encodeURIComponent(token)}">
<input type="hidden" name="List-Unsubscribe" value="One-Click">
<button type="submit">Unsubscribe</button>
</form>`,
  )
}

export function donePage({ email, scope }: Unsubscription): string {
  return page(
    'Unsubscribed',
    `<p>${escaped(email)} gets no more ${mailsOf[scope].replace(/^the /, '')} of Edgelog.</p>
<p>${scope === 'all' ? 'No organization can ask for it again.' : 'Who has a user there turns them on again in the profile.'}</p>`,
  )
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title} - Edgelog</title></head>
<body>
<h1>${title}</h1>
${body}
</body>
</html>
`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
