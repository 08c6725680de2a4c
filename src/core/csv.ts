/** One CSV line (RFC 4180), CR LF included. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

/** A cell, in quotes where its text needs them. */
function csvCell(text: string): string {
  // A semicolon separates cells where the comma is the decimal sign.
  return /[",;\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text
}

/**
 * Text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, CSV injection): also when white
 * space stands before the sign, or the sign is of full width. Only for text: a negative number stays a number.
 */
export function withoutFormula(text: string): string {
  return /^(?:[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20])/.test(text) ? `'${text}` : text
}
