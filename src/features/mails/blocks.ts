import { mailUrlCharsMax } from '../../core/limits.ts'
import { escaped, oneLine, plain, quoted } from './html.ts'
import type { Html, Words } from './html.ts'
import { buttonGround, light, white } from './palette.ts'

/**
 * A part of a mail, as text and as rows of its one table of one column. Styles stand in the tags, because Gmail and Outlook heed
 * little else; classes only change colours in the dark.
 */
export interface Block {
  readonly text: string
  readonly html: Html
}

/** One cell of a table. */
export type Cell = string | number | Words
export interface Column {
  readonly title: string
  /** Numbers stand at the end. */
  readonly align?: 'end'
  /** Short values that stay in one line, however narrow the table is. */
  readonly short?: true
}

/** Named in each tag, as Outlook does not hand it down into tables. */
const wrap = 'font-family:Segoe UI,Helvetica,Arial,sans-serif;overflow-wrap:anywhere;word-break:break-word'
const body = `font-size:16px;line-height:24px;color:${light.text};${wrap}`
const small = `font-size:14px;line-height:20px;color:${light.text};${wrap}`
const mono = 'font-family:Consolas,Menlo,Courier New,monospace'

export function heading(title: Words): Block {
  const style = `margin:0;font-size:22px;line-height:28px;font-weight:bold;color:${light.text};${wrap}`
  return { text: title.text, html: row(escaped`<h1 class="text" style="${style}">${title.html}</h1>`) }
}

/** A heading of what follows it. */
export function subheading(title: string): Block {
  const style = `margin:0;padding:8px 0 0 0;font-size:16px;line-height:24px;font-weight:bold;color:${light.text};${wrap}`
  return { text: title, html: row(escaped`<h2 class="text" style="${style}">${title}</h2>`) }
}

export function paragraph(said: string | Words): Block {
  const { text, html: markup } = said instanceof Object ? said : plain(said)
  return { text, html: row(escaped`<p class="text" style="margin:0;${body}">${markup}</p>`) }
}

/** The same with its line breaks, in words that people wrote. */
export function paragraphs({ text, html: markup }: Words): Block {
  return paragraph({ text, html: broken(markup) })
}

/** A word on a ground, such as what became of an alert. */
export function badge(word: string, ground: string): Block {
  const style = `padding:4px 12px;border-radius:4px;background-color:${ground};${wrap};font-size:14px;line-height:20px;font-weight:bold;color:${white}`
  const cell = escaped`<td bgcolor="${ground}" style="${style}">${word}</td>`
  return {
    text: word,
    html: row(escaped`<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>${cell}</tr></table>`),
  }
}

/** A link to act on. */
export function button(label: string, url: string): Block {
  if (url.length > mailUrlCharsMax) return paragraph(`${label}: its address is too long for a mail.`)
  const style = `display:inline-block;padding:12px 20px;${wrap};font-size:16px;line-height:20px;font-weight:bold;color:${white};text-decoration:none`
  const link = escaped`<a href="${url}" style="${style}">${label}</a>`
  const cell = escaped`<td bgcolor="${buttonGround}" style="border-radius:6px;background-color:${buttonGround}">${link}</td>`
  return {
    text: `${label}: ${oneLine(url)}`,
    html: row(escaped`<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>${cell}</tr></table>`),
  }
}

/** Lines to copy, such as a request with its token, or as a machine wrote them. */
export function code(said: string | Words): Block {
  const { text, html: markup } = said instanceof Object ? said : plain(said)
  const style = `padding:12px 16px;border:1px solid ${light.line};border-radius:6px;background-color:${light.code};${mono};font-size:14px;line-height:20px;color:${light.text};overflow-wrap:anywhere;word-break:break-word`
  const cell = escaped`<td class="code" bgcolor="${light.code}" style="${style}">${broken(markup)}</td>`
  return {
    text,
    html: row(escaped`<table role="presentation" ${fullWidth}><tr>${cell}</tr></table>`),
  }
}

/** A table of data, with its headings. As text, one line a row, each cell behind the heading of its column. */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): Block {
  const last = columns.length - 1
  const cellOf = (column: Column, i: number, cell: Cell, isHead: boolean): Html => {
    const align = column.align === 'end' ? 'right' : 'left'
    const one = isHead || column.short ? ';white-space:nowrap' : ''
    const style = `${cellStyle(i === last)}${one}${isHead ? ';font-weight:bold' : ''}`
    const content = wordsOf(cell).html
    return isHead
      ? escaped`<th class="text" scope="col" align="${align}" valign="top" style="${style}">${content}</th>`
      : escaped`<td class="text" align="${align}" valign="top" style="${style}">${content}</td>`
  }
  const head = columns.map((column, i) => cellOf(column, i, column.title, true))
  const lines = rows.map((cells) => escaped`<tr>${columns.map((column, i) => cellOf(column, i, cells[i] ?? '', false))}</tr>`)
  const text = rows.map((cells) => columns.map(({ title }, i) => `${title}: ${wordsOf(cells[i] ?? '').text}`).join(', '))
  return {
    text: text.join('\n'),
    html: row(escaped`<table ${fullWidth}><tr>${head}</tr>${lines}</table>`),
  }
}

/** Facts, one a row behind its name. */
export function facts(rows: readonly (readonly [name: string, fact: Words])[]): Block {
  const lines = rows.map(([name, { html: fact }]) => {
    const th = escaped`<th class="muted" scope="row" align="left" valign="top" width="96" style="${cellStyle(false)};width:96px;font-weight:normal;color:${light.muted}">${name}</th>`
    return escaped`<tr>${th}<td class="text" align="left" valign="top" style="${cellStyle(true)}">${fact}</td></tr>`
  })
  return {
    text: rows.map(([name, { text }]) => `${name}: ${text}`).join('\n'),
    html: row(escaped`<table ${fullWidth}>${lines}</table>`),
  }
}

function cellStyle(isLast: boolean): string {
  return `padding:8px ${isLast ? 0 : 12}px 8px 0;border-bottom:1px solid ${light.line};${small}`
}

/** Less important words, below the rest. */
export function note(said: string | Words): Block {
  const { text, html: markup } = said instanceof Object ? said : plain(said)
  return { text, html: row(escaped`<p class="muted" style="margin:0;${small.replace(light.text, light.muted)}">${markup}</p>`) }
}

/** A link within words, by its address or a label; as text always by its address. */
export function link(url: string, label: string = url): Words {
  if (url.length > mailUrlCharsMax) return plain('(an address too long for a mail)')
  const style = `color:${light.link};text-decoration:underline;overflow-wrap:anywhere;word-break:break-word`
  return { text: oneLine(url), html: escaped`<a class="link" href="${url}" style="${style}">${label}</a>` }
}

/** An address of this deployment as a link; any other, which somebody may have made, only to be read. */
export function ownLink({ publicUrl }: { publicUrl: string }, url: string, label?: string): Words {
  return url === publicUrl || url.startsWith(`${publicUrl}/`) ? link(url, label) : quoted(url)
}

/** Words with their line breaks and indents: Outlook knows no white-space:pre-wrap. */
function broken({ markup }: Html): Html {
  return { markup: markup.replaceAll(/^ +| {2,}/gm, (blanks) => '&nbsp;'.repeat(blanks.length)).replaceAll('\n', '<br>\n') }
}

const fullWidth: Html = { markup: 'width="100%" cellpadding="0" cellspacing="0" border="0" style="width:100%;border-collapse:separate"' }

function wordsOf(cell: Cell): Words {
  return typeof cell === 'object' ? cell : plain(String(cell))
}

function row(content: Html): Html {
  return escaped`<tr><td style="padding:0 0 16px 0">${content}</td></tr>`
}
