import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { alertGroupsMax, alertSampleLogsMax } from '../../../src/core/limits.ts'
import { mailParams } from '../../../src/core/mails.ts'
import type { MailParams } from '../../../src/core/mails.ts'
import { runs } from '../../support/effort.ts'
import { leavesOf, mailCases, mailPlace, write } from '../../support/mail_cases.ts'
import { elementsOf } from '../../support/markup.ts'

/** What we make ourselves, and the address that people are told to be careful with. */
const ours = ['token', 'runbook_url']
/** Those that hold something which somebody wrote; alerts of all kinds say it in the same way. */
const alike = ['many', 'reminder', 'resolved', 'nodata', 'test']
const some = mailCases
  .filter(({ name }) => !alike.includes(name))
  .filter((mail) => leavesOf(mail, 'any text').some(({ path }) => !ours.includes(path.at(-1) ?? '')))
const cases = some.map((mail) => [`${mail.kind} (${mail.name})`, mail] as const)

/** Words that people see in the document. */
function shownIn(html: string): string {
  return elementsOf(html)
    .filter(({ name }) => name !== 'style' && name !== 'title')
    .map(({ text }) => text)
    .join(' ')
}

describe.each(cases)('the mail %s', (_, mail) => {
  it('takes any text anywhere without becoming another document, or a header of another mail', () => {
    const pieces = [
      '<',
      '>',
      '&',
      '"',
      "'",
      '</td>',
      '<script>',
      '-->',
      '<!--',
      '\r\n',
      '\n',
      '\0',
      '\u2028',
      '\u202e',
      '\ud800',
      '😀',
      'é',
      'Bcc: a',
      '${x}',
      '{"',
    ]
    const hostile = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary', maxLength: 8 })), { maxLength: 40 })
    const usual = elementsOf(write(mail).html).filter(({ name }) => name !== 'br').length
    for (const { path, replaced } of leavesOf(mail, 'any text'))
      fc.assert(
        fc.property(hostile, (parts) => {
          const changed = replaced(parts.join(''))
          if (!mailParams[mail.kind].safeParse(changed.params).success) return
          const { subject, text, html } = write(changed)
          expect(subject).not.toMatch(/\p{Cc}|[\u2028\u2029\u202e]/u)
          expect(Array.from(subject).length).toBeLessThanOrEqual(150)
          const count = elementsOf(html).filter(({ name }) => name !== 'br').length
          // An address that is none is no link, and an empty description no paragraph; nothing more comes.
          expect([path, count]).toEqual([path, Math.min(count, usual)])
          expect([subject, text, html].every((written) => written.isWellFormed())).toBe(true)
          expect(`${text}${html}`).not.toMatch(/[^\P{Cc}\t\n]/u)
        }),
        { numRuns: runs(6) },
      )
  })

  it.each([
    ['https://evil.test/login', /evil\.test|https:\/\/evil/],
    ['see www.evil.test now', /evil\.test/],
    ['ann@evil.test', /evil\.test/],
    ['javascript:alert(1)', /javascript:alert/],
    ['mailto:ann@localhost', /mailto:ann/],
    ['evil\u3002test', /evil\u3002test/],
  ])('makes no link of %s, whoever wrote it', (name, link) => {
    for (const { path, replaced } of leavesOf(mail, name)) {
      if (ours.includes(path.at(-1) ?? '')) continue
      const { subject, text, html } = write(replaced(name))
      // An e-mail that is said in full stays one as text.
      const asText = name === 'ann@evil.test' ? text.replaceAll(`${name} `, '').replaceAll(`${name}.`, '') : text
      expect([path, `${subject}\n${asText}`]).toEqual([path, expect.not.stringMatching(link)])
      expect([path, shownIn(html)]).toEqual([path, expect.not.stringMatching(link)])
      const links = elementsOf(html).flatMap(({ attributes }) => attributes['href'] ?? [])
      expect(links.filter((href) => !/^https:\/\/(logs\.example\.org|wiki\.example\.com)(\/|$)/.test(href))).toEqual([])
    }
  })

  it('says the same as text and as a document', () => {
    const said: string[] = []
    for (const marker of ['zqmarkerqz', 8_675_309]) {
      const shown = typeof marker === 'number' ? /8,675,309|8\.7 MB|1970-01-01 02:24|8675309/ : /zqmarkerqz/
      for (const { path, replaced } of leavesOf(mail, marker)) {
        const { text, html } = write(replaced(marker))
        expect([path, shown.test(text)]).toEqual([path, shown.test(shownIn(html))])
        if (shown.test(text)) said.push(path.join('.'))
      }
    }
    expect(said).not.toEqual([])
  })
})

describe('a mail that is as long as it may be', () => {
  const notice = mailCases.find(({ name }) => name === 'firing')?.params as MailParams<'alert'>

  it.each(['"', '😀', '.', '& '])('of %s is not clipped by Gmail', (char) => {
    const long = (chars: number) => char.repeat(chars)
    const group = Object.fromEntries([1, 2, 3, 4].map((i) => [`${i}${long(250)}`, long(4000)]))
    const url = `${mailPlace.publicUrl}/${'&'.repeat(1_450)}`
    const groups = Array.from({ length: alertGroupsMax }, () => ({
      group,
      state: 'firing' as const,
      value: 1 / 3,
      since: '2026-11-16T08:00:00Z',
      logs_url: url,
    }))
    const log = { id: '1', timestamp: '2026-11-16T08:00:00Z', severity: long(900), source: long(900), message: long(5000) }
    const rule = {
      ...notice.notice.rule,
      name: long(200),
      description: long(2000),
      q: long(4000),
      condition: long(4000),
      runbook_url: `https://wiki.example.com/${'&'.repeat(1_400)}`,
    }
    const organization = { id: 'o', name: long(200) }
    const longest = {
      ...notice.notice,
      organization,
      rule,
      groups,
      error: long(4000),
      logs: Array.from({ length: alertSampleLogsMax }, () => log),
      logs_url: url,
    }
    const { html, text } = write({ kind: 'alert', name: 'long', params: { notice: longest } })
    expect(new TextEncoder().encode(html).length).toBeLessThan(102_000)
    expect(text).toMatch(/\d+ more groups not shown here/)
  })

  it('still tells how many groups there are', () => {
    const many = mailCases.find(({ name }) => name === 'many')
    const { text } = write(many ?? { kind: 'alert', name: '', params: {} })
    expect(text).toContain('45 groups')
    expect(text.match(/Group: host=/g)).toHaveLength(20)
    expect(text).toContain('25 more groups not shown here.')
  })
})
