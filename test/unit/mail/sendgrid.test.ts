import { createServer } from 'node:http'
import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { BaseCtx } from '../../../src/db/context.ts'
import type { OutgoingMail } from '../../../src/jobs/mail/outgoing.ts'
import { sendgridTransport } from '../../../src/jobs/mail/transport_sendgrid.ts'
import { outgoingMail } from '../../support/outgoing_mail.ts'

let stop = (): void => undefined
afterEach(() => stop())

/** Sends a mail to a server that answers as it is told; answers what it was asked. */
async function send(answer: RequestListener, mail: OutgoingMail = outgoingMail()) {
  const asked: { url: string | undefined; headers: IncomingHttpHeaders; body: unknown }[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      asked.push({ url: request.url, headers: request.headers, body: JSON.parse(text) })
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stop = () => server.close().closeAllConnections()
  const { port } = server.address() as AddressInfo
  const outcome = sendgridTransport({ url: `http://127.0.0.1:${port}`, apiKey: 'SG.key' })({} as BaseCtx, mail)
  return { outcome: await outcome.catch((error: unknown) => error), asked }
}

describe('SendGrid', () => {
  it('is handed the mail with its Message-ID, the way to end such mails, files, and what leads back from events', async () => {
    const mail = outgoingMail({
      unsubscribeUrl: 'https://logs.example.com/unsubscribe?token=x',
      files: [{ filename: 'größe.csv', contentType: 'text/csv', content: new TextEncoder().encode('a,b') }],
    })
    const { outcome, asked } = await send((_, response) => response.writeHead(202).end(), mail)
    expect(outcome).toBeUndefined()
    expect(asked).toHaveLength(1)
    expect(asked[0]?.url).toBe('/v3/mail/send')
    expect(asked[0]?.headers).toMatchObject({ authorization: 'Bearer SG.key', 'content-type': 'application/json' })
    expect(asked[0]?.body).toMatchObject({
      personalizations: [{ to: [{ email: mail.to }], custom_args: { mail_id: mail.id } }],
      from: { email: mail.from.address, name: 'Edgelog' },
      subject: 'Hello',
      content: [
        { type: 'text/plain', value: mail.text },
        { type: 'text/html', value: mail.html },
      ],
      headers: {
        'Message-ID': mail.messageId,
        'Auto-Submitted': 'auto-generated',
        'List-Unsubscribe': '<https://logs.example.com/unsubscribe?token=x>',
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      },
      attachments: [{ filename: 'größe.csv', type: 'text/csv', content: 'YSxi' }],
      tracking_settings: { click_tracking: { enable: false } },
    })
  })

  it('is not asked for a mail that would break out of a header', async () => {
    const { outcome, asked } = await send((_, response) => response.writeHead(202).end(), outgoingMail({ subject: 'a\r\nb' }))
    expect(outcome).toMatchObject({ permanent: true, code: 'unmailable' })
    expect(asked).toEqual([])
  })

  it('refuses a mail for good, and its reason is kept, the start of it', async () => {
    const { outcome } = await send((_, response) => response.writeHead(400).end(`{"errors":[{"message":"bad"}]}${'x'.repeat(100_000)}`))
    expect(outcome).toMatchObject({ permanent: true, code: '400', message: expect.stringContaining('"bad"') as string })
    expect((outcome as Error).message.length).toBeLessThan(2_000)
  })

  it('is not followed elsewhere with the key', async () => {
    const { outcome, asked } = await send((_, response) => response.writeHead(307, { Location: '/elsewhere' }).end())
    expect(outcome).toMatchObject({ permanent: false, isSetup: true })
    expect(asked).toHaveLength(1)
  })

  it('may answer later when it has too much to do, or hangs up', async () => {
    expect((await send((_, response) => response.writeHead(429).end('slow down'))).outcome).toMatchObject({ permanent: false, code: '429' })
    expect((await send((request) => request.socket.destroy())).outcome).toMatchObject({ permanent: false, code: 'unreachable' })
  })
})
