import { dayMs } from '../../../core/calendar.ts'
import { mailValueCharsMax } from '../../../core/limits.ts'
import type { MailParams } from '../../../core/mails.ts'
import { button, heading, note, paragraph, subheading, table } from '../blocks.ts'
import type { Block, Cell, Column } from '../blocks.ts'
import { cut, defused, named, oneLine, quoted, strong, words } from '../html.ts'
import type { Words } from '../html.ts'
import { mail } from '../layout.ts'
import type { MailPlace } from '../mail_text.ts'
import { amount, bytesText, counted } from './said.ts'
import type { Writers } from './said.ts'

type Digest = MailParams<'weekly_digest'>

/** What happened in an organization's logs within a week. */
export const digestTexts: Writers<'weekly_digest'> = {
  weekly_digest: (digest, place) => {
    const { organization_name, from_day, to_day, rows, bytes, rows_before } = digest
    const days = `${from_day} to ${dayBefore(to_day)}`
    const sum = words`${named(organization_name)} stored ${strong(counted(rows, 'log'))} (${bytesText(bytes)}) from ${days}, ${compared(rows, rows_before)}.`
    return mail(place, {
      subject: `Week in logs: ${named(organization_name).text}, ${days}`,
      preview: sum.text,
      reason: 'You get this mail once a week because you are a member of this organization.',
      blocks: [heading(words`The week of ${defused(organization_name)}`), paragraph(sum), ...tablesOf(digest), ...logsOf(digest, place)],
    })
  },
}

function tablesOf({ by_day, by_severity, top_sources, top_errors, alerts, rows, partial }: Digest): Block[] {
  const logs: Column = { title: 'Logs', align: 'end', short: true }
  const share: Column = { title: 'Share', align: 'end', short: true }
  const withShare = (count: number): Cell[] => [amount(count), rows === 0 ? '' : percent(count / rows)]
  return [
    ...(partial ? [note('There were more logs than a digest reads: the numbers are lower than the truth.')] : []),
    ...section(
      'Alerts',
      [{ title: 'Rule' }, { title: 'Fired', align: 'end', short: true }, { title: 'Now', short: true }],
      alerts,
      ({ name, fired, state }) => [defused(name), amount(fired), shown(state)],
    ),
    ...section('Most frequent errors', [{ title: 'Message' }, logs], top_errors, (one) => [shown(one.pattern), amount(one.rows)]),
    ...section('By severity', [{ title: 'Severity' }, logs, share], by_severity, (one) => [shown(one.severity), ...withShare(one.rows)]),
    ...section('By day (UTC)', [{ title: 'Day' }, logs], by_day, (one) => [one.day, amount(one.rows)]),
    ...section('Sources with most logs', [{ title: 'Source' }, logs, share], top_sources, (one) => [
      shown(one.source),
      ...withShare(one.rows),
    ]),
  ]
}

/** A table under its heading; nothing where there is nothing to tell. */
function section<T>(title: string, columns: readonly Column[], items: readonly T[], cellsOf: (item: T) => Cell[]): Block[] {
  return items.length === 0 ? [] : [subheading(title), table(columns, items.map(cellsOf))]
}

function logsOf({ logs_url }: Digest, { publicUrl }: MailPlace): Block[] {
  return logs_url.startsWith(`${publicUrl}/`) ? [button('View the logs', logs_url)] : []
}

function shown(text: string): Words {
  return quoted(cut(oneLine(text), mailValueCharsMax))
}

function compared(rows: number, before: number): string {
  if (before === 0) return 'and none the week before'
  if (rows === before) return 'as many as the week before'
  return `${percent(Math.abs(rows - before) / before)} ${rows > before ? 'more' : 'fewer'} than the week before`
}

function percent(part: number): string {
  return `${part > 0 && part < 0.001 ? '<0.1' : (part * 100).toFixed(1)} %`
}

function dayBefore(day: string): string {
  return new Date(Date.parse(day) - dayMs).toISOString().slice(0, 10)
}
