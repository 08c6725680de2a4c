import { randomFrom } from './lines.ts'

/** What a row of the tail benchmark is made of; `n` numbers it. */
export interface TailRow {
  n: number
  timestamp: string
  level: string
  service: string
  message: string
  status: number
  user_id: number
  host: string
  path: string
}

/** A query, and the same condition in plain code. */
export interface TailFilter {
  q: string
  matches(row: TailRow): boolean
}

const levels = ['debug', 'info', 'info', 'info', 'info', 'info', 'warning', 'warning', 'error', 'critical']
const service = (i: number): string => `svc-${String(i).padStart(2, '0')}`

export function tailRows(count: number, first: number, startMs: number): TailRow[] {
  const random = randomFrom(first + 1)
  const below = (n: number): number => Math.floor(random() * n)
  return Array.from({ length: count }, (_, i) => {
    const order = below(100)
    return {
      n: first + i,
      timestamp: new Date(startMs + i).toISOString(),
      level: levels[below(levels.length)] ?? 'info',
      service: service(below(20)),
      message: `order ${order} of customer cust_${below(100)} was handled in ${below(5000)} ms`,
      status: random() < 0.9 ? 200 : 502,
      user_id: below(5000),
      host: `web-${below(100)}`,
      path: `/api/v${below(10)}/orders/${order}`,
    }
  })
}

const severe = ({ level }: TailRow): boolean => level === 'error' || level === 'critical'

/** Ten kinds of filters in turn, none like another; the very first one takes every row. */
export function tailFilters(count: number): TailFilter[] {
  return Array.from({ length: count }, (_, i) => (i === 0 ? { q: '', matches: () => true } : filterOf(i % 10, Math.floor(i / 10))))
}

function filterOf(kind: number, k: number): TailFilter {
  const name = service(k % 20)
  if (kind === 0)
    return { q: `source:${name} OR source:${service((k + 7) % 20)}`, matches: (row) => [name, service((k + 7) % 20)].includes(row.service) }
  if (kind === 1) return { q: `source:${name}`, matches: (row) => row.service === name }
  if (kind === 2) return { q: `source:${name} level:error`, matches: (row) => row.service === name && row.level === 'error' }
  if (kind === 3) return { q: `status:>=500 user_id:<${(k + 1) * 300}`, matches: (row) => row.status >= 500 && row.user_id < (k + 1) * 300 }
  if (kind === 4) return { q: `user_id:[${k * 100} TO ${k * 100 + 99}]`, matches: (row) => Math.floor(row.user_id / 100) === k }
  if (kind === 5) return { q: `"order ${k} of"`, matches: (row) => row.message.startsWith(`order ${k} of`) }
  if (kind === 6) return { q: `host:~"web-${k}\\d$"`, matches: (row) => new RegExp(`web-${k}\\d$`).test(row.host) }
  if (kind === 7) return { q: `path:"/api/v${k % 10}/*"`, matches: (row) => row.path.startsWith(`/api/v${k % 10}/`) }
  if (kind === 8) return { q: `cust_${k}*`, matches: (row) => row.message.includes(` cust_${k}`) }
  return { q: `-source:${name} level:>=error`, matches: (row) => row.service !== name && severe(row) }
}
