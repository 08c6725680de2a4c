/** A line that goes on after this many characters is cut into several, so that a file without line ends fits memory. */
const lineCharsMax = 1024 * 1024

/**
 * Cuts chunks of bytes into lines without their line ends. Bytes that are no UTF-8 become U+FFFD.
 * `end()` gives what stands after the last line end.
 */
export function createLineSplitter() {
  const decoder = new TextDecoder()
  let rest = ''
  function cut(text: string): string[] {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    while (rest.length > lineCharsMax) {
      lines.push(rest.slice(0, lineCharsMax))
      rest = rest.slice(lineCharsMax)
    }
    return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  }
  return {
    push: (chunk: Uint8Array): string[] => cut(decoder.decode(chunk, { stream: true })),
    end(): string[] {
      const lines = cut(decoder.decode())
      if (rest !== '') lines.push(rest)
      rest = ''
      return lines
    },
  }
}
