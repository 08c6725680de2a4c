import { mailTextCharsMax } from '../../../core/limits.ts'
import { facts, heading, note, paragraph } from '../blocks.ts'
import { cut, defused, named, oneLine, plain, quoted, words } from '../html.ts'
import { mail } from '../layout.ts'
import type { MailAttachment } from '../mail_text.ts'
import { bytesText, counted, instant } from './said.ts'
import type { Writers } from './said.ts'

/** A scheduled search whose logs come as a file. */
export const reportTexts: Writers<'report'> = {
  report: ({ organization_name, report, rows, truncated, csv_key, csv_bytes }, place) => {
    const file = csv_key === null ? undefined : attachment(csv_key, report.to, csv_bytes)
    const found = words`The report ${named(report.name)} of ${named(organization_name)} found ${counted(rows, 'log')}${truncated ? ', and there are more than its file holds' : ''}.`
    const query = report.q === '' ? plain('all logs') : quoted(cut(oneLine(report.q), mailTextCharsMax))
    const text = mail(place, {
      subject: `Report: ${named(report.name).text} (${defused(organization_name)})`,
      preview: found.text,
      reason: `You get this mail because this report is sent to ${place.to}.`,
      blocks: [
        heading(plain(defused(report.name))),
        paragraph(found),
        facts([
          ['Query', query],
          ['Logs of', words`${instant(report.from)} to ${instant(report.to)}`],
        ]),
        note(file === undefined ? 'There is nothing to attach.' : `Attached: ${file.filename}, ${bytesText(file.bytes)}.`),
      ],
    })
    return file === undefined ? text : { ...text, attachments: [file] }
  },
}

function attachment(key: string, to: string, bytes: number): MailAttachment {
  const day = /^\d{4}-\d{2}-\d{2}/.exec(to)?.[0]
  return { filename: day === undefined ? 'report.csv' : `report-${day}.csv`, contentType: 'text/csv', key, bytes }
}
