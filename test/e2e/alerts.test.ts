import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AlertNotice } from '../../src/core/alerts.ts'
import { createSandbox, runCommand } from '../support/processes.ts'
import type { Command, Sandbox } from '../support/processes.ts'
import { say } from '../support/quiet.ts'
import { startReceiver } from '../support/receiver.ts'
import type { Received, Receiver } from '../support/receiver.ts'

/*
 * The whole way of an alert through the running server: error lines come in, the rule fires, a mail arrives at a real SMTP server and
 * a signed webhook at a real HTTP server, and both hear when it is over.
 */

const minuteMs = 60_000
const demo = { email: 'admin@demo.edgelog.dev', password: 'demo123' }

let sandbox: Sandbox
let receiver: Receiver
let smtp: SMTPServer
let server: Command | undefined
const mails: string[] = []

beforeAll(async () => {
  sandbox = await createSandbox()
  receiver = await startReceiver()
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData(stream, session, done) {
      let text = ''
      stream.setEncoding('utf8').on('data', (part: string) => (text += part))
      stream.on('end', () => {
        mails.push(`${session.envelope.rcptTo.map(({ address }) => address).join()}\n${text}`)
        done()
      })
    },
  })
  smtp.listen(0, '127.0.0.1')
  await once(smtp.server, 'listening')
})
afterAll(async () => {
  if (server && server.survivors().length > 0) server.signal('SIGINT')
  await server?.ended
  await receiver.close()
  smtp.close()
  sandbox.remove()
})

const began = Date.now()
const transcript: string[] = []
function note(text: string): void {
  transcript.push(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`)
}

async function start(): Promise<string> {
  const { port } = smtp.server.address() as AddressInfo
  const vars = {
    MAIL_TRANSPORT: 'smtp',
    MAIL_FROM: 'alerts@edgelog.example',
    SMTP_HOST: '127.0.0.1',
    SMTP_PORT: `${port}`,
    SMTP_SECURITY: 'none',
  }
  server = runCommand('start', [], { env: { ...sandbox.env, ...vars, WEBHOOK_PRIVATE_TARGETS: 'true' } })
  await server.printed(/Send a file:/)
  return sandbox.connection().url
}

/** Asks the server, and fails with what it said where it refuses. */
async function ask<T>(url: string, token: string, json?: unknown): Promise<T> {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  const response = await fetch(url, json === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(json) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`)
  return JSON.parse(text) as T
}

/** What `find` finds, as soon as it is there. */
async function until<T>(what: string, withinMs: number, find: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`${what} did not come. So far:\n${transcript.join('\n')}\n${server?.output()}`)
    await wait(300)
  }
}

it('fires when error lines come in, is told by mail and signed webhook, and resolves when they stop', async () => {
  const url = await start()
  note(`server at ${url}, mails to a real SMTP server, webhooks to ${receiver.url}`)
  const { access_token: token } = await ask<{ access_token: string }>(`${url}/api/v1/auth/login`, '', { ...demo, transport: 'bearer' })
  const path = '/pager'
  await fetch(receiver.url + path, { method: 'PUT', body: JSON.stringify([{ status: 429, headers: { 'Retry-After': '1' } }, {}]) })
  const channels = `${url}/api/v1/notification-channels`
  const hook = await ask<{ id: string; secret: string }>(channels, token, { name: 'Pager', kind: 'webhook', url: receiver.url + path })
  const mail = await ask<{ id: string; to: unknown }>(channels, token, { name: 'On call', kind: 'email', to: [demo.email] })
  expect(mail.to).toEqual([{ email: demo.email, confirmed: true }])

  // What follows needs some seconds of one minute.
  if (Date.now() % minuteMs > minuteMs - 8_000) await wait(minuteMs - (Date.now() % minuteMs))
  const lines = Array.from({ length: 3 }, (_, i) => ({
    timestamp: new Date(Math.floor(Date.now() / minuteMs) * minuteMs - 1_000 - i).toISOString(),
    severity: 'ERROR',
    source: 'checkout',
    message: `card declined, order ${i}`,
  }))
  const { apiKey } = sandbox.connection()
  for (const line of lines) await ask(`${url}/api/v1/logs`, apiKey, line)
  note('3 lines of the source checkout sent, with times of the minute before')
  const definition = {
    q: 'source:checkout level:error',
    threshold: 2,
    window_seconds: 60,
    delay_seconds: 0,
    severity: 'critical',
    channel_ids: [hook.id, mail.id],
  }
  const rule = await ask<{ id: string }>(`${url}/api/v1/alerts`, token, { name: 'Checkout fails', enabled: true, definition })
  const state = async () => (await ask<{ state: string }>(`${url}/api/v1/alerts/${rule.id}`, token)).state
  const isIn = (wanted: string) => async () => ((await state()) === wanted ? true : undefined)
  const tick = () => fetch(`${url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent('* * * * *')}`)

  expect((await tick()).status).toBe(200)
  await until('firing', 20_000, isIn('firing'))
  note('the rule is firing')
  const firing = await until('the mail', 20_000, () => mails.find((text) => text.includes('card declined')))
  expect(firing).toMatch(new RegExp(`^${demo.email}\n`))
  note(`mail at the SMTP server: ${subjectOf(firing)}`)
  const received = async (): Promise<{ received: Received[] }> => {
    const answer = await fetch(receiver.url + path)
    return answer.json()
  }
  const first = await until('the webhook', 20_000, async () => (await received()).received[0])
  const notice = new Webhook(hook.secret).verify(first.body, first.headers) as AlertNotice
  expect(notice).toMatchObject({ kind: 'firing', rule: { id: rule.id, name: 'Checkout fails', severity: 'critical' } })
  expect(notice.groups).toMatchObject([{ state: 'firing', value: 3 }])
  expect(notice.logs.map(({ message }) => message).toSorted()).toEqual(lines.map(({ message }) => message))
  const found = await ask<{ results: { message: string }[] }>(notice.logs_url, token)
  expect(found.results).toHaveLength(3)
  note(`webhook ${first.headers['webhook-id']}: signature good; answered 429, Retry-After: 1`)

  const again = await until('the webhook again', 60_000, async () => (await received()).received[1])
  expect(again.headers['webhook-id']).toBe(first.headers['webhook-id'])
  expect(again.body).toBe(first.body)
  note(`webhook ${again.headers['webhook-id']}: the same once more; answered 200`)

  // The next window has no such lines; its end is waited for, and the crons of `npm start` do the rest.
  await until('the end', 130_000, isIn('inactive'))
  note('the rule is inactive again')
  const over = await until('the mail about the end', 20_000, () => mails.find((text) => /^Subject:.*resolved/im.test(text)))
  note(`mail at the SMTP server: ${subjectOf(over)}`)
  const last = await until('the webhook about the end', 60_000, async () => (await received()).received[2])
  expect(new Webhook(hook.secret).verify(last.body, last.headers)).toMatchObject({ kind: 'resolved', rule: { id: rule.id } })
  note(`webhook ${last.headers['webhook-id']}: resolved, signature good`)

  const { results } = await ask<{ results: { kind: string; status: string; recipient: string | null; attempts: number }[] }>(
    `${url}/api/v1/alerts/${rule.id}/notifications`,
    token,
  )
  const told = results.map(({ kind, recipient, status, attempts }) => `${kind} ${recipient ?? 'webhook'} ${status} ${attempts}`)
  expect(told.toSorted()).toEqual([
    `firing ${demo.email} sent 1`,
    'firing webhook sent 2',
    `resolved ${demo.email} sent 1`,
    'resolved webhook sent 1',
  ])
  expect(mails).toHaveLength(2)
  expect((await received()).received).toHaveLength(3)
  note(`notifications: ${told.join('; ')}`)
  say(transcript.join('\n'))
})

function subjectOf(mail: string): string {
  return /^Subject: (.*)$/m.exec(mail)?.[1]?.trim() ?? ''
}
