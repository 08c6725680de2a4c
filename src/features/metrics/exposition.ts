/** Prometheus text exposition format, version 0.0.4. */

export interface MetricFamily {
  name: string
  type: 'counter' | 'gauge'
  help: string
  samples: readonly Sample[]
}

export interface Sample {
  labels: Readonly<Record<string, string>>
  value: number
}

export const expositionType = 'text/plain; version=0.0.4; charset=utf-8'

/** The families in their order; one without samples still says what it is. Throws on a name that a scraper would refuse. */
export function renderMetrics(families: readonly MetricFamily[]): string {
  return families.map(renderFamily).join('')
}

function renderFamily({ name, type, help, samples }: MetricFamily): string {
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new Error(`no name of a metric: ${name}`)
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`a counter, and nothing else, is named _total: ${name}`)
  const head = `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`
  return head + samples.map(({ labels, value }) => `${name}${renderLabels(labels)} ${renderValue(value)}\n`).join('')
}

function renderLabels(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) throw new Error(`no name of a label: ${name}`)
    return `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
  })
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function renderValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return String(value)
}
