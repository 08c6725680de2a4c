import { describe, expect, it } from 'vitest'
import { mailKinds } from '../../src/core/mails.ts'
import { listPreviews, previewMail } from '../../src/features/dev/preview.ts'
import { elementsOf } from '../support/markup.ts'
import { callFrom, randomAddress, testCtx } from '../support/world.ts'

const call = (path: string) => callFrom(randomAddress(), path)

describe('the page of mails of a development machine', () => {
  it('leads to a sample of every kind, each shown wide, narrow and as text', async () => {
    const reply = await call('/dev/mails')
    expect(reply.headers.get('Content-Type')).toBe('text/html; charset=utf-8')
    const links = elementsOf(await reply.text()).flatMap(({ attributes }) => attributes['href'] ?? [])
    expect(new Set(links.map((link) => /^\/dev\/mails\/(\w+)\?sample=\w+$/.exec(link)?.[1]))).toEqual(new Set(mailKinds))
    for (const link of links.filter((one) => /welcome|sample=nodata/.test(one))) {
      const shown = await call(link)
      expect(shown.status).toBe(200)
      const elements = elementsOf(await shown.text())
      const frames = elements.filter(({ name }) => name === 'iframe')
      expect(frames.map(({ attributes }) => attributes['width'])).toEqual(['680', '360'])
      const text = elements.find(({ name }) => name === 'pre')?.text ?? ''
      for (const { attributes } of frames) expect(attributes['srcdoc']).toContain('<!doctype html>')
      expect(text).toContain('\n\n--\n\n')
    }
  })

  it('lets nothing run or load, and has no other mails', async () => {
    const reply = await call('/dev/mails/welcome')
    expect(reply.headers.get('Content-Security-Policy')).toMatch(/^default-src 'none'; style-src 'unsafe-inline'; (?!.*script)/)
    expect(await reply.text()).toMatch(/<iframe sandbox /)
    for (const path of ['/dev/mails/nothing', '/dev/mails/constructor', '/dev/mails/welcome?sample=other'])
      expect((await call(path)).status).toBe(404)
  })

  it.each([
    ['in production', { environment: 'production' }, 'http://localhost:8787/dev/mails'],
    ['under a public name', { publicUrl: 'https://logs.example.com' }, 'http://localhost:8787/dev/mails'],
    ['by another name of this machine', {}, 'http://rebound.example/dev/mails'],
  ] as const)('is not there %s', (_, change, url) => {
    const base = testCtx()
    const ctx = { ...base, config: { ...base.config, ...change } }
    expect(() => listPreviews(ctx, url)).toThrow('There is nothing at this address.')
    expect(() => previewMail(ctx, url, { kind: 'welcome', sample: undefined })).toThrow('There is nothing at this address.')
  })
})
