import { env } from 'cloudflare:test'
import { exports } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { Config } from '../../src/config.ts'
import { newMail } from '../../src/db/mails.ts'
import { listOutbox, readOutboxMail } from '../../src/features/dev/outbox.ts'
import { mailTexts } from '../../src/features/mails/mail_texts.ts'
import { consumeJobs } from '../../src/jobs/consume.ts'
import { dispatch } from '../../src/jobs/dispatch.ts'
import { problemOf } from '../support/app.ts'
import { callFrom, randomAddress, testCtx } from '../support/world.ts'

const path = '/dev/outbox'
const call = (to: string, headers: Record<string, string> = {}) => callFrom(randomAddress(), to, { headers })

/** Mails to an address that only this test knows, delivered or not. */
async function write(...delivered: boolean[]): Promise<{ to: string; ids: string[] }> {
  const ctx = testCtx()
  const to = `ann-${ctx.newId()}@example.com`
  const ids: string[] = []
  for (const done of delivered) {
    const { job, statement } = newMail(ctx, 'welcome', { to, ownerId: ctx.newId() }, { token: 'the-token' })
    await statement
    const message = { id: job.id, timestamp: new Date(), body: job, attempts: 1, ack: () => undefined, retry: () => undefined }
    if (done) await consumeJobs(ctx, { queue: 'email-jobs', messages: [message] }, dispatch)
    ids.unshift(job.id)
  }
  return { to, ids }
}

describe('the outbox of a development machine', () => {
  it('lists the mails to an address, newest first, and shows one as text', async () => {
    const { to, ids } = await write(true, false)
    const list = await (await call(`${path}?to=${encodeURIComponent(to.toUpperCase())}`)).json()
    expect(list).toMatchObject({
      count: 2,
      next: null,
      results: ids.map((id, i) => ({ id, to, kind: 'welcome', status: i === 0 ? 'pending' : 'sent' })),
    })
    const mail = await call(`${path}/${ids[1]}`)
    expect(mail.headers.get('Content-Type')).toBe('text/plain; charset=utf-8')
    expect(mail.headers.get('X-Content-Type-Options')).toBe('nosniff')
    expect(await mail.text()).toContain(`To: ${to}\r\nSubject: Welcome`)
    const document = await call(`${path}/${ids[1]}?part=html`)
    expect(document.headers.get('Content-Security-Policy')).toContain("default-src 'none'")
    expect((await document.text()).replaceAll('\r\n', '\n')).toBe(
      mailTexts.welcome({ token: 'the-token' }, { to, publicUrl: testCtx().config.publicUrl, unsubscribeUrl: null }).html,
    )
    expect((await call(`${path}/${ids[0]}`)).status).toBe(404)
    expect((await call(`${path}/${crypto.randomUUID()}`)).status).toBe(404)
  })

  it('does not tell scripts of other sites', async () => {
    for (const to of [path, `${path}/${crypto.randomUUID()}`])
      expect(await problemOf(await call(to, { Origin: 'https://evil.example' }))).toMatchObject({ status: 403, code: 'cross_site' })
  })

  it.each([
    ['in production', { environment: 'production' }],
    ['under a public name, whatever the environment is called', { publicUrl: 'https://logs.example.com' }],
    ['under a name that only looks local', { publicUrl: 'https://localhost.example.com' }],
  ] as [string, Partial<Config>][])('is not there %s', async (_, change) => {
    const { ids } = await write(true)
    const base = testCtx()
    const ctx = { ...base, config: { ...base.config, ...change } }
    const url = 'http://localhost:8787/dev/outbox'
    for (const work of [() => listOutbox(ctx, url, { page: 1, page_size: 10 }), () => readOutboxMail(ctx, url, ids[0] ?? '')])
      await expect(work()).rejects.toMatchObject({ code: 'not_found' })
    expect(env.ENVIRONMENT).toBe('test')
  })

  it('is not there by another name that leads to this machine', async () => {
    const { ids } = await write(true)
    for (const host of ['edgelog.test', 'rebound.example', 'localhost.example.com', '192.168.0.7'])
      for (const to of [path, `${path}/${ids[0]}`])
        expect((await exports.default.fetch(new Request(`http://${host}${to}`))).status).toBe(404)
    for (const host of ['localhost:8787', '127.0.0.1', '[::1]:8787'])
      expect((await exports.default.fetch(new Request(`http://${host}${path}/${ids[0]}`))).status).toBe(200)
  })
})
