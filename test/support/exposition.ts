export interface ParsedSample {
  name: string
  labels: Record<string, string>
  value: number
}

/**
 * Reads Prometheus text and throws where promtool would complain: a sample before its HELP and TYPE, a family in two places, a
 * counter that is not named _total, a series that stands twice, a value that is no number.
 */
export function parseExposition(text: string): ParsedSample[] {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const samples: ParsedSample[] = []
  const types = new Map<string, string>()
  const helps = new Set<string>()
  const series = new Set<string>()
  let current = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const [, kind, family = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    if (kind === 'HELP') {
      if (helps.has(family)) throw new Error(`second HELP: ${line}`)
      helps.add(family)
      current = family
    } else if (kind === 'TYPE') {
      if (family !== current || types.has(family)) throw new Error(`TYPE apart from its HELP: ${line}`)
      if (!['counter', 'gauge'].includes(rest)) throw new Error(`unknown type: ${line}`)
      if ((rest === 'counter') !== family.endsWith('_total')) throw new Error(`misnamed ${rest}: ${line}`)
      types.set(family, rest)
    } else {
      const sample = parseSample(line)
      if (sample.name !== current || !types.has(current)) throw new Error(`sample outside its family: ${line}`)
      const key = line.slice(0, line.lastIndexOf(' '))
      if (series.has(key)) throw new Error(`series twice: ${line}`)
      series.add(key)
      samples.push(sample)
    }
  }
  return samples
}

function parseSample(line: string): ParsedSample {
  const [, name, block, number] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  if (name === undefined || number === undefined) throw new Error(`no sample: ${line}`)
  const value = number === '+Inf' ? Infinity : Number(number)
  if (Number.isNaN(value)) throw new Error(`no number: ${line}`)
  const labels: Record<string, string> = {}
  let rest = block ?? ''
  while (rest !== '') {
    const [all, label, quoted] = /^([a-zA-Z_]\w*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/.exec(rest) ?? []
    if (all === undefined || label === undefined || quoted === undefined) throw new Error(`bad labels: ${line}`)
    labels[label] = quoted.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
    rest = rest.slice(all.length)
  }
  return { name, labels, value }
}
