import type { AlertNotice, AlertNoticeKind, AlertSeverity } from '../../../core/alerts.ts'

/* Limits of Slack's Block Kit: text of a header, of a section, blocks of a message. */
const headerCharsMax = 150
const sectionCharsMax = 3_000
const blocksMax = 50

const groupsShown = 10
/** Of names, values and queries, so that ten groups fit one section. */
const valueCharsMax = 100
const descriptionCharsMax = 1_000
const messageCharsMax = 300
const urlCharsMax = 3_000

const icons: Readonly<Record<AlertSeverity, string>> = {
  critical: ':rotating_light:',
  error: ':red_circle:',
  warning: ':large_yellow_circle:',
  info: ':large_blue_circle:',
}

const words: Readonly<Record<AlertNoticeKind, string>> = {
  firing: 'Firing',
  reminder: 'Still firing',
  resolved: 'Resolved',
  nodata: 'No data',
  error: 'Cannot be evaluated',
  test: 'Test',
}

interface Text {
  type: 'plain_text' | 'mrkdwn'
  text: string
}
interface Button {
  type: 'button'
  text: Text
  url: string
}
export type SlackBlock =
  | { type: 'header'; text: Text }
  | { type: 'section'; text: Text }
  | { type: 'context'; elements: Text[] }
  | { type: 'actions'; elements: Button[] }

export interface SlackMessage {
  /** What notifications and clients without blocks show. */
  text: string
  blocks: SlackBlock[]
}

/** A notice as a message for Slack: what happened, to which groups, some of the logs, and where to look. */
export function slackMessage(notice: AlertNotice): SlackMessage {
  const { rule, kind } = notice
  const word = words[kind]
  const icon = kind === 'resolved' ? ':large_green_circle:' : icons[rule.severity]
  const title = cut(`${word}: ${rule.name}`, headerCharsMax - icon.length - 1)
  const blocks: SlackBlock[] = [
    { type: 'header', text: { type: 'plain_text', text: `${icon} ${title}` } },
    section(conditionText(notice)),
    ...groupSections(notice),
    ...(notice.error === null ? [] : [section(`*Error*\n${escaped(notice.error, messageCharsMax)}`)]),
    ...logSections(notice),
    { type: 'actions', elements: buttons(notice) },
    {
      type: 'context',
      elements: [
        {
          type: 'mrkdwn',
          text: `${escaped(notice.organization.name, valueCharsMax)} · ${notice.from} to ${notice.to} · ${notice.id}`,
        },
      ],
    },
  ]
  return {
    text: `${escaped(title, messageCharsMax)} (${rule.severity}): ${escaped(rule.condition, messageCharsMax)}`,
    blocks: blocks.slice(0, blocksMax),
  }
}

function conditionText({ rule }: AlertNotice): string {
  const lines = [`*${rule.severity}* · ${code(rule.condition)}`]
  if (rule.q !== '') lines.push(`of ${code(rule.q)}`)
  if (rule.description !== '') lines.push(escaped(rule.description, descriptionCharsMax))
  return lines.join('\n')
}

function groupSections({ groups, groups_total: total = groups.length }: AlertNotice): SlackBlock[] {
  if (groups.length === 0) return []
  const lines = groups.slice(0, groupsShown).map(({ group, state, value, logs_url: url }) => {
    const names = Object.entries(group).map(([field, of]) => `${cut(field, valueCharsMax / 2)}=${cut(of ?? '(none)', valueCharsMax)}`)
    const name = names.length === 0 ? '' : `${escaped(names.join(', '), valueCharsMax * 2)}: `
    return `• ${name}*${value === null ? 'no value' : value}* (${state})${linkTo(url)}`
  })
  const more = total - Math.min(groups.length, groupsShown)
  if (more > 0) lines.push(`… and ${more} more`)
  return sections(lines)
}

function logSections({ logs }: AlertNotice): SlackBlock[] {
  return logs.map(({ timestamp, severity, source, message }) => {
    const text = `${timestamp} ${severity} ${source} ${message}`
    // Three backticks would end the code early.
    return section(`\`\`\`${escaped(text.replaceAll('`', "'"), messageCharsMax + valueCharsMax)}\`\`\``)
  })
}

function buttons({ logs_url: logs, rule_url: rule, rule: { runbook_url: runbook } }: AlertNotice): Button[] {
  const of = (text: string, url: string | null): Button[] =>
    url === null || url.length > urlCharsMax ? [] : [{ type: 'button', text: { type: 'plain_text', text }, url }]
  return [...of('Logs', logs), ...of('Rule', rule), ...of('Runbook', runbook)]
}

/** Lines in as few sections as hold them. */
function sections(lines: readonly string[]): SlackBlock[] {
  const texts: string[] = []
  for (const line of lines) {
    const last = texts.at(-1)
    if (last !== undefined && last.length + 1 + line.length <= sectionCharsMax) texts[texts.length - 1] = `${last}\n${line}`
    else texts.push(line)
  }
  return texts.map(section)
}

function section(text: string): SlackBlock {
  return { type: 'section', text: { type: 'mrkdwn', text } }
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/**
 * The three characters that mean something in Slack's markup; with them no name can make a link or call everybody. At most `charsMax`
 * characters, as Slack counts them: behind this.
 */
function escaped(text: string, charsMax: number): string {
  let safe = ''
  for (const char of text) {
    const next = entities[char] ?? char
    if (safe.length + next.length >= charsMax) return `${safe}…`
    safe += next
  }
  return safe
}

function code(text: string): string {
  return `\`${escaped(text.replaceAll('`', "'").replaceAll('\n', ' '), messageCharsMax)}\``
}

/** A link in text; nothing for an address that would take most of a section. */
function linkTo(url: string): string {
  const address = escaped(url, urlCharsMax).replaceAll('|', '%7C')
  return address.length < sectionCharsMax / 2 ? ` <${address}|logs>` : ''
}

function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1).toWellFormed()}…`
}
