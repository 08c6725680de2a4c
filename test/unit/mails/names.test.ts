import { describe, expect, it } from 'vitest'
import { mailTexts } from '../../../src/features/mails/mail_texts.ts'

const place = { to: 'ann@example.com', publicUrl: 'https://logs.example.org', unsubscribeUrl: null }

/** The texts that carry this name, whoever chose it. */
function textsWith(name: string): string[] {
  const [token, role, about] = ['t', 'viewer', { thing: 'organization', name } as const]
  return [
    mailTexts.set_password({ token, account_name: name }, place),
    mailTexts.invitation({ token, role, organization_name: name, invited_by: name }, place),
    mailTexts.membership_changed({ ...about, role }, place),
    mailTexts.membership_removed(about, place),
    mailTexts.ownership_transferred({ ...about, to: 'bob@example.com' }, place),
    mailTexts.organization_deleted({ ...about, purge_at_ms: 0 }, place),
  ].map(({ text }) => text)
}

describe('a name in a mail', () => {
  it('stands in quotes, as its people wrote it', () => {
    for (const text of textsWith('Zoë & Co. – No. 5')) expect(text).toContain('"Zoë & Co. – No. 5"')
  })

  it.each([
    ['Mailbox full, sign in at https://evil.test/login now. Ops', 'Mailbox full, sign in at https[:]//evil[.]test/login now. Ops'],
    ['www.evil.test', 'www[.]evil[.]test'],
    ['203.0.113.7:8080', '203[.]0[.]113[.]7[:]8080'],
    ['ann@evil.test', 'ann@evil[.]test'],
    ['mailto:ann@localhost', 'mailto[:]ann@localhost'],
    ['evil\u3002test, evil\uff0etest', 'evil[.]test, evil[.]test'],
    ['a..b', 'a[.][.]b'],
    ['Ops" was deleted. "Mine', "Ops' was deleted. 'Mine"],
  ])('becomes no link and no text of ours: %s', (name, shown) => {
    for (const text of textsWith(name)) {
      expect(text).toContain(`"${shown}"`)
      expect(text).not.toContain(name)
    }
  })

  it('is in no subject', () => {
    const { subject } = mailTexts.invitation({ token: 't', role: 'viewer', organization_name: 'Acme', invited_by: 'Ann' }, place)
    expect(subject).toBe('Invitation to an organization on Edgelog')
  })
})

describe('a mail about a role, a new owner or an end', () => {
  it.each([
    ['organization', /\baccounts?\b/],
    ['account', /\borganization\b/],
  ] as const)('of an %s calls it so, and by no other word', (thing, other) => {
    const about = { thing, name: 'Acme' }
    const texts = [
      mailTexts.membership_changed({ ...about, role: 'admin' }, place),
      mailTexts.membership_removed(about, place),
      mailTexts.ownership_transferred({ ...about, to: 'bob@example.com' }, place),
      mailTexts.organization_deleted({ ...about, purge_at_ms: 0 }, place),
    ]
    for (const { subject, text } of texts) {
      expect(text).toMatch(new RegExp(`the ${thing} "Acme"`, 'i'))
      expect(`${subject} ${text}`).not.toMatch(other)
    }
  })
})
