import type { AlertNotice, AlertNoticeKind } from '../../../core/alerts.ts'
import { mailGroupsMax, mailGroupsBytesMax, mailLogCharsMax, mailTextCharsMax, mailValueCharsMax } from '../../../core/limits.ts'
import { badge, button, code, facts, heading, link, note, ownLink, paragraph, paragraphs, subheading, table } from '../blocks.ts'
import type { Block, Column } from '../blocks.ts'
import { cut, defused, joined, named, oneLine, plain, quoted, words } from '../html.ts'
import type { Words } from '../html.ts'
import { mail } from '../layout.ts'
import type { MailPlace } from '../mail_text.ts'
import { noticeGround } from '../palette.ts'
import { amount, counted, instant } from './said.ts'
import type { Writers } from './said.ts'

type Group = AlertNotice['groups'][number]

/** What a notice tells, in a word for its subject and in a sentence. */
const kinds: Readonly<Record<AlertNoticeKind, { word: string; told: string }>> = {
  firing: { word: 'Firing', told: 'crossed its threshold' },
  reminder: { word: 'Still firing', told: 'is still beyond its threshold' },
  resolved: { word: 'Resolved', told: 'is back to normal' },
  nodata: { word: 'No data', told: 'gets no data any more' },
  error: { word: 'Query failed', told: 'could not be evaluated' },
  test: { word: 'Test', told: 'was tested by somebody: nothing happened' },
}

export const alertTexts: Writers<'alert'> = {
  alert: ({ notice }, place) => {
    const { kind, rule, organization } = notice
    const { word, told } = kinds[kind]
    const summary = words`The rule ${named(rule.name)} of ${named(organization.name)} ${told}.`
    return mail(place, {
      subject: `[${rule.severity}] ${word}: ${named(rule.name).text} (${defused(organization.name)})`,
      preview: words`${summary} ${quoted(oneLine(rule.condition))}`.text,
      reason: `You get this mail because alerts of this rule are sent to ${place.to}.`,
      blocks: [
        badge(`${word} \u00b7 ${rule.severity}`, noticeGround(kind, rule.severity)),
        heading(plain(defused(rule.name))),
        paragraph(summary),
        ...(rule.description === '' ? [] : [paragraphs(quoted(cut(rule.description, mailTextCharsMax)))]),
        factsOf(notice),
        ...(notice.error === null ? [] : [subheading('What went wrong'), code(quoted(cut(notice.error, mailTextCharsMax)))]),
        ...groupsOf(notice, place),
        ...logsOf(notice),
        ...linksOf(notice, place),
      ],
    })
  },
}

function factsOf({ rule, from, to }: AlertNotice): Block {
  const query = rule.q === '' ? plain('all logs') : quoted(cut(oneLine(rule.q), mailTextCharsMax))
  return facts([
    ['Condition', quoted(cut(oneLine(rule.condition), mailTextCharsMax))],
    ['Logs', query],
    ['Looked at', words`${instant(from)} to ${instant(to)}`],
  ])
}

/** As many as fit, with a link to the logs of each where there is more than one. */
function groupsOf({ groups, groups_total: total = groups.length }: AlertNotice, place: MailPlace): Block[] {
  if (groups.length === 0) return []
  let count = Math.min(groups.length, mailGroupsMax)
  let shown = groupTable(groups.slice(0, count), groups.length > 1, place)
  for (; count > 1 && bytesOf(shown) > mailGroupsBytesMax; shown = groupTable(groups.slice(0, count), true, place))
    count = Math.ceil(count / 2)
  const more = total - count
  return [subheading(counted(total, 'group')), shown, ...(more > 0 ? [note(`${counted(more, 'more group')} not shown here.`)] : [])]
}

function groupTable(groups: readonly Group[], hasLinks: boolean, place: MailPlace): Block {
  const columns: Column[] = [
    { title: 'Group' },
    { title: 'State', short: true },
    { title: 'Value', align: 'end', short: true },
    { title: 'Since' },
    ...(hasLinks ? [{ title: 'Logs', short: true } as const] : []),
  ]
  const rows = groups.map((group) => [
    groupName(group),
    group.state,
    group.value === null ? 'no value' : amount(group.value),
    instant(group.since),
    ...(hasLinks ? [ownLink(place, group.logs_url, 'logs')] : []),
  ])
  return table(columns, rows)
}

function groupName({ group }: Group): Words {
  const fields = Object.entries(group)
  if (fields.length === 0) return plain('all logs')
  return joined(
    fields.map(([name, value]) => {
      const said = value === null ? plain('(none)') : quoted(cut(oneLine(value), mailValueCharsMax))
      return words`${quoted(cut(oneLine(name), mailValueCharsMax))}=${said}`
    }),
    ', ',
  )
}

function logsOf({ logs }: AlertNotice): Block[] {
  if (logs.length === 0) return []
  const lines = logs.map(({ timestamp, severity, source, message }) => {
    const short = (text: string) => quoted(cut(oneLine(text), mailValueCharsMax))
    return words`${instant(timestamp)} ${short(severity)} ${short(source)}\n${quoted(cut(message, mailLogCharsMax))}`
  })
  return [subheading('Some of the logs'), code(joined(lines, '\n\n'))]
}

function linksOf({ logs_url, rule_url, rule }: AlertNotice, place: MailPlace): Block[] {
  const isOurs = logs_url.startsWith(`${place.publicUrl}/`)
  return [
    isOurs ? button('View the logs', logs_url) : paragraph(words`Logs: ${quoted(logs_url)}`),
    paragraph(words`Rule: ${ownLink(place, rule_url)}`),
    ...(rule.runbook_url === null ? [] : [paragraph(words`Runbook: ${runbook(rule.runbook_url)}`)]),
  ]
}

/** The one address in mails that people of the organization choose; it is shown as it is. */
function runbook(url: string): Words {
  return URL.parse(url)?.protocol.match(/^https?:$/) ? link(url, cut(url, mailValueCharsMax)) : quoted(cut(oneLine(url), mailTextCharsMax))
}

function bytesOf({ html: { markup } }: Block): number {
  return new TextEncoder().encode(markup).length
}
