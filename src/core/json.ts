/**
 * Reads over JSON text before it is parsed and tells what JSON.parse would let pass in silence: nesting beyond
 * `depthMax`, and the same name twice in one object. Undefined when there is nothing to tell; syntax is not its business.
 */
export function inspectJson(text: string, depthMax: number): string | undefined {
  /** One entry for each open bracket: the names seen so far in an object, undefined for an array. */
  const open: (Set<string> | undefined)[] = []
  let expectName = false
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i]
    if (char === '{' || char === '[') {
      if (open.length === depthMax) return `The body is nested deeper than ${depthMax} levels.`
      open.push(char === '{' ? new Set() : undefined)
      expectName = char === '{'
    } else if (char === '}' || char === ']') {
      open.pop()
      expectName = false
    } else if (char === ',') {
      expectName = open.at(-1) !== undefined
    } else if (char === '"') {
      const end = stringEnd(text, i)
      const names = open.at(-1)
      if (expectName && names) {
        const name = decodeName(text.slice(i, end))
        if (names.has(name)) return `The name ${JSON.stringify(name.slice(0, 64))} stands twice in one object.`
        names.add(name)
        expectName = false
      }
      i = end - 1
    }
  }
  return undefined
}

/** Index behind the closing quote, or the end of the text. */
function stringEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1
    else if (text[i] === '"') return i + 1
  }
  return text.length
}

/** With escapes resolved, so that two spellings of one name are the same. */
function decodeName(literal: string): string {
  try {
    return JSON.parse(literal) as string
  } catch {
    return literal
  }
}
