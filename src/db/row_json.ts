/** A stored row with names and times as the API writes them, for exports. */
export function rowJson(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      /(At|Until)$/.test(name) && typeof value === 'number' ? new Date(value).toISOString() : value,
    ]),
  )
}
