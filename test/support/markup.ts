/** An element of markup that is well-formed, as that of mails is. */
export interface Element {
  name: string
  attributes: Readonly<Record<string, string>>
  parent: Element | undefined
  /** Its own text, without that of its children, with character references resolved. */
  text: string
}

const voids: ReadonlySet<string> = new Set(['meta', 'br', '!doctype'])
const references: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: '\u00a0' }

/**
 * All elements in their order. Throws where a browser would have to guess: tags that do not pair up, attributes without quotes,
 * raw `<`, `>` or `&` in text.
 */
export function elementsOf(markup: string): Element[] {
  const elements: Element[] = []
  let open: Element | undefined
  const shown = markup.replaceAll(/<!--[^]*?-->/g, '')
  const pieces = shown.matchAll(/<(\/?)([!a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*>|([^<]+)|(<)/gi)
  for (const { index, 1: slash, 2: tag = '', 3: attributes = '', 4: text, 5: raw } of pieces) {
    if (raw !== undefined) throw new Error(`a raw < at "${shown.slice(index, index + 80)}"`)
    const name = tag.toLowerCase()
    if (text !== undefined) {
      if (open?.name !== 'style' && /[>]|&(?!(?:amp|lt|gt|quot|nbsp|#39);)/.test(text)) throw new Error(`raw markup in "${text}"`)
      if (open !== undefined) open.text += resolved(text)
    } else if (slash === '/') {
      if (open?.name !== name) throw new Error(`</${name}> closes <${open?.name}>`)
      open = open.parent
    } else {
      const pairs: [string, string][] = [...attributes.matchAll(/([a-z-]+)(?:="([^"]*)")?/gi)].map(([, key = '', value = '']) => [
        key,
        resolved(value),
      ])
      const element: Element = { name, attributes: Object.fromEntries(pairs), parent: open, text: '' }
      elements.push(element)
      if (!voids.has(name)) open = element
    }
  }
  if (open !== undefined) throw new Error(`<${open.name}> is not closed`)
  return elements
}

/** The value of a style property in its tag, or of the nearest parent that has one. */
export function styleOf(element: Element, property: string): string | undefined {
  const own = new Map(
    (element.attributes['style'] ?? '').split(';').map((rule) => rule.split(':').map((part) => part.trim()) as [string, string]),
  )
  return own.get(property) ?? (element.parent === undefined ? undefined : styleOf(element.parent, property))
}

function resolved(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|nbsp|#39);/g, (_, name: string) => references[name] ?? '')
}
