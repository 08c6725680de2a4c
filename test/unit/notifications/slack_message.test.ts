import { describe, expect, it } from 'vitest'
import { alertNoticeKinds } from '../../../src/core/alerts.ts'
import type { AlertNotice } from '../../../src/core/alerts.ts'
import type { SlackBlock } from '../../../src/features/notification-channels/send/slack_message.ts'
import { slackMessage } from '../../../src/features/notification-channels/send/slack_message.ts'
import { noticeOf } from '../../support/notices.ts'

function textsOf(block: SlackBlock): string[] {
  if (block.type === 'context') return block.elements.map(({ text }) => text)
  if (block.type === 'actions') return block.elements.map(({ text }) => text.text)
  return [block.text.text]
}

const wordsOf = (notice: AlertNotice) => slackMessage(notice).blocks.flatMap(textsOf).join('\n')

const log = { id: '0000000000001', timestamp: '2026-11-22T17:04:00.000Z', severity: 'ERROR', source: 'shop', message: 'card declined' }

describe('a message for Slack', () => {
  it('says what fires, by how much, with some logs and where to look', () => {
    const notice = noticeOf({ logs: [log] }, { runbook_url: 'https://wiki.example.com/checkout', description: 'Payments are lost.' })
    const { text, blocks } = slackMessage(notice)
    expect(text).toBe('Firing: Checkout fails (error): count() &gt; 10 within 5m')
    expect(blocks.map(({ type }) => type)).toEqual(['header', 'section', 'section', 'section', 'actions', 'context'])
    expect(textsOf(blocks[0]!)).toEqual([':red_circle: Firing: Checkout fails'])
    expect(textsOf(blocks[1]!)).toEqual(['*error* · `count() &gt; 10 within 5m`\nof `level:error`\nPayments are lost.'])
    expect(textsOf(blocks[2]!)).toEqual(['• *12* (firing) <https://edgelog.example.com/logs?q=1|logs>'])
    expect(textsOf(blocks[3]!)).toEqual(['```2026-11-22T17:04:00.000Z ERROR shop card declined```'])
    const actions = blocks.find((block) => block.type === 'actions')
    expect(actions?.elements.map(({ text: of, url }) => [of.text, url])).toEqual([
      ['Logs', notice.logs_url],
      ['Rule', notice.rule_url],
      ['Runbook', 'https://wiki.example.com/checkout'],
    ])
  })

  it('begins with the state, in words and colour', () => {
    const firsts = alertNoticeKinds.map((kind) => textsOf(slackMessage(noticeOf({ kind })).blocks[0]!)[0])
    expect(firsts).toEqual([
      ':red_circle: Firing: Checkout fails',
      ':red_circle: Still firing: Checkout fails',
      ':large_green_circle: Resolved: Checkout fails',
      ':red_circle: No data: Checkout fails',
      ':red_circle: Cannot be evaluated: Checkout fails',
      ':red_circle: Test: Checkout fails',
    ])
  })

  it('names ten groups and counts the others', () => {
    const groups = Array.from({ length: 25 }, (_, i) => ({
      group: { host: `web-${i}`, zone: null },
      state: 'firing' as const,
      value: null,
      since: '2026-11-22T17:05:00.000Z',
      logs_url: 'https://edgelog.example.com/logs',
    }))
    const words = wordsOf(noticeOf({ groups }))
    expect(words).toContain('• host=web-9, zone=(none): *no value* (firing)')
    expect(words).not.toContain('web-10')
    expect(words).toContain('… and 15 more')
  })

  it('lets no text of logs or people be markup: no link, no call to everybody, no end of code', () => {
    const nasty = '<!channel> <https://evil.example|click> & ``` ` *x* <@U123>'
    const notice = noticeOf(
      {
        organization: { id: 'x', name: nasty },
        error: nasty,
        logs: [{ ...log, source: nasty, message: nasty }],
        groups: [{ group: { [nasty]: nasty }, state: 'firing', value: 1, since: 'x', logs_url: 'https://edgelog.example.com/a|b>c' }],
      },
      { name: nasty, condition: nasty, q: nasty, description: nasty },
    )
    const { text, blocks } = slackMessage(notice)
    const marked = [text, ...blocks.filter(({ type }) => type !== 'header' && type !== 'actions').flatMap(textsOf)]
    // Every < left is that of the one link which the message makes itself.
    expect(marked.flatMap((of) => of.match(/<[^>]*>?/g) ?? [])).toEqual(['<https://edgelog.example.com/a%7Cb&gt;c|logs>'])
    const code = marked.filter((of) => of.startsWith('```'))
    expect(code).toHaveLength(1)
    expect(code[0]?.slice(3, -3)).not.toContain('`')
  })

  it.each(['<', '&', 'x', '\n', '`', '\u{1F600}'])('keeps to the limits of Slack when everything is very long and made of %j', (unit) => {
    const long = unit.repeat(5000)
    const url = `https://edgelog.example.com/${encodeURIComponent(long)}`
    const group = {
      group: { [`a${long}`]: long, [`b${long}`]: null },
      state: 'firing',
      value: -1.5e-300,
      since: 'x',
      logs_url: url,
    } as const
    const logs = Array.from({ length: 5 }, () => ({ id: long, timestamp: long, severity: long, source: long, message: long }))
    const notice = noticeOf(
      { organization: { id: 'x', name: long }, groups: Array.from({ length: 100 }, () => group), logs, error: long, logs_url: url },
      { name: long, q: long, condition: long, description: long.slice(0, 2000), runbook_url: url },
    )
    const { blocks } = slackMessage(notice)
    expect(blocks.length).toBeLessThanOrEqual(50)
    for (const block of blocks) {
      const max = block.type === 'header' ? 150 : 3000
      for (const text of textsOf(block)) expect([block.type, text.length > 0, text.length <= max]).toEqual([block.type, true, true])
    }
    const actions = blocks.find((block) => block.type === 'actions')
    expect(actions?.elements.map(({ url: to }) => to)).toEqual([notice.rule_url])
  })
})
