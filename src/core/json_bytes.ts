/** Bytes that a value takes as JSON. */
export function jsonBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length
}

const mark = '…'

/** The text, or its beginning with a mark where the whole would take more bytes inside of JSON, where a control character takes six. */
export function cutJson(text: string, bytesMax: number): string {
  // Each character takes a byte at least: what is far beyond needs no count.
  if (text.length <= bytesMax && innerBytes(text) <= bytesMax) return text
  let left = bytesMax - innerBytes(mark)
  let cut = ''
  for (const character of text.slice(0, bytesMax)) {
    left -= innerBytes(character)
    if (left < 0) break
    cut += character
  }
  return cut + mark
}

/** Without the quotes around it. */
function innerBytes(text: string): number {
  return jsonBytes(text) - 2
}
