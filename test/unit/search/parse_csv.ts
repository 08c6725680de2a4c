/** Lines of cells of an RFC 4180 text whose lines all end with CR LF; throws on anything else. */
export function parseCsv(text: string): string[][] {
  const lines: string[][] = []
  let cells: string[] = []
  let at = 0
  while (at < text.length) {
    const quoted = /"((?:[^"]|"")*)"/y
    const plain = /[^",\r\n]*/y
    const pattern = text[at] === '"' ? quoted : plain
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (!match) throw new Error(`no cell at ${at}`)
    cells.push(pattern === quoted ? (match[1] ?? '').replaceAll('""', '"') : match[0])
    at = pattern.lastIndex
    if (text[at] === ',') at += 1
    else if (text.startsWith('\r\n', at)) {
      at += 2
      lines.push(cells)
      cells = []
    } else throw new Error(`neither a comma nor a line end at ${at}`)
  }
  return lines
}
