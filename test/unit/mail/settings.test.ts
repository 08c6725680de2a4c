import { describe, expect, it } from 'vitest'
import { mailDomain, parseMailSettings } from '../../../src/core/mail_settings.ts'

const parse = (vars: Record<string, unknown>) => parseMailSettings(vars, 'logs.example.com')
const wrongNames = (vars: Record<string, unknown>) => {
  const parsed = parse(vars)
  return 'issues' in parsed ? parsed.issues.map(({ path }) => path.join('.')).toSorted() : []
}
const smtp = { MAIL_TRANSPORT: 'smtp', MAIL_FROM: 'no-reply@example.com', SMTP_HOST: 'mail.example.com' }

describe('the settings of mails', () => {
  it('are those of the outbox where nothing is said', () => {
    expect(parse({})).toEqual({
      settings: { transport: 'outbox', from: { name: 'Edgelog', address: 'no-reply@logs.example.com' }, sendgridWebhookKey: undefined },
    })
  })

  it('take the usual ports, TLS and a login', () => {
    const of = (more: Record<string, string>) => {
      const parsed = parse({ ...smtp, ...more })
      return 'settings' in parsed && parsed.settings.transport === 'smtp' ? parsed.settings.smtp : parsed
    }
    expect(of({})).toEqual({ host: 'mail.example.com', port: 587, security: 'starttls', login: null, deadlineMs: 40_000 })
    expect(of({ SMTP_SECURITY: 'tls', SMTP_USER: 'u', SMTP_PASSWORD: 'p', SMTP_AUTH: 'LOGIN' })).toMatchObject({
      port: 465,
      login: { user: 'u', pass: 'p', method: 'LOGIN' },
    })
    expect(of({ SMTP_SECURITY: 'none', SMTP_PORT: '2525' })).toMatchObject({ port: 2525, security: 'none' })
  })

  it.each<[string, Record<string, unknown>, string[]]>([
    ['a transport that nobody knows', { MAIL_TRANSPORT: 'pigeon' }, ['MAIL_TRANSPORT']],
    ['SMTP without anything', { MAIL_TRANSPORT: 'smtp' }, ['MAIL_FROM', 'SMTP_HOST']],
    ['SendGrid without anything', { MAIL_TRANSPORT: 'sendgrid' }, ['MAIL_FROM', 'SENDGRID_API_KEY']],
    ['Cloudflare without its binding', { MAIL_TRANSPORT: 'cloudflare', MAIL_FROM: 'a@b.example' }, ['EMAIL']],
    ['a user without a password', { ...smtp, SMTP_USER: 'u' }, ['SMTP_PASSWORD']],
    ['a password without a user', { ...smtp, SMTP_PASSWORD: 'p' }, ['SMTP_USER']],
    ['a password without TLS', { ...smtp, SMTP_SECURITY: 'none', SMTP_USER: 'u', SMTP_PASSWORD: 'p' }, ['SMTP_PASSWORD']],
    ['a line break in a password', { ...smtp, SMTP_USER: 'u', SMTP_PASSWORD: 'p\r\nQUIT' }, ['SMTP_PASSWORD']],
    ['a host that is an address with more', { ...smtp, SMTP_HOST: 'mail.example.com:25' }, ['SMTP_HOST']],
    ['a deadline longer than a job', { ...smtp, SMTP_DEADLINE_SECONDS: '600' }, ['SMTP_DEADLINE_SECONDS']],
    ['a sender with a line break', { ...smtp, MAIL_FROM: 'a@b.example\r\nX: y' }, ['MAIL_FROM']],
    ['a name with a line break', { ...smtp, MAIL_FROM_NAME: 'Edge\r\nlog' }, ['MAIL_FROM_NAME']],
    ['a key of SendGrid that is none', { SENDGRID_WEBHOOK_KEY: 'x' }, ['SENDGRID_WEBHOOK_KEY']],
  ])('are refused by every wrong name: %s', (_, vars, names) => {
    expect([...new Set(wrongNames(vars))]).toEqual(names)
  })

  it('never say a value, which may be a secret', () => {
    const parsed = parse({ ...smtp, SMTP_USER: 'u', SMTP_PASSWORD: 'secret\n', MAIL_FROM: 'secret' })
    expect('issues' in parsed && parsed.issues.map(({ message }) => message).join()).not.toContain('secret')
  })

  it('let a password go without TLS only where somebody says so', () => {
    expect(wrongNames({ ...smtp, SMTP_SECURITY: 'none', SMTP_USER: 'u', SMTP_PASSWORD: 'p', SMTP_INSECURE_AUTH: 'true' })).toEqual([])
  })

  it('know the domain of a deployment, in brackets where it is an address', () => {
    expect(['https://logs.example.com', 'http://127.0.0.1:8787', 'http://[::1]:8787'].map(mailDomain)).toEqual([
      'logs.example.com',
      '[127.0.0.1]',
      '[IPv6:::1]',
    ])
  })
})
