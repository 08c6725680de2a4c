import type { Severity } from '../../src/core/severity.ts'
import { messages, sources } from './messages.ts'
import { pick, pickWeighted, seededRandom } from './random.ts'

export type DemoSeverity = Exclude<Severity, 'TRACE'>

export const severityWeights: readonly (readonly [DemoSeverity, number])[] = [
  ['INFO', 0.4],
  ['WARNING', 0.25],
  ['DEBUG', 0.2],
  ['ERROR', 0.12],
  ['CRITICAL', 0.03],
]
/** Share of logs with attributes of their own. */
export const attributesShare = 0.3
const recentShare = 0.85
const dayMs = 86_400_000
const seed = 20_261_122

export interface DemoLog {
  timestamp: string
  severity: DemoSeverity
  source: string
  message: string
  attributes?: Record<string, string | number | boolean>
}

/**
 * `count` logs of a shop's services, always the same ones but for the time: most of the last 7 days (newer ones more
 * often), the others of the 23 days before.
 */
export function* demoLogs(count: number, nowMs: number): Generator<DemoLog> {
  const random = seededRandom(seed)
  for (let i = 0; i < count; i += 1) {
    const severity = pickWeighted(random, severityWeights)
    const log: DemoLog = {
      timestamp: new Date(nowMs - ageMs(random)).toISOString(),
      severity,
      source: pick(random, sources),
      message: fill(random, pick(random, messages[severity])),
    }
    if (random() < attributesShare) log.attributes = attributes(random, severity)
    yield log
  }
}

function ageMs(random: () => number): number {
  if (random() < recentShare) return Math.floor(7 * dayMs * random() ** 2)
  return Math.floor(7 * dayMs + 23 * dayMs * random())
}

function fill(random: () => number, template: string): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    switch (name) {
      case 'ms':
        return `${Math.ceil(5 / (0.002 + random()))}`
      case 'id':
        return hex(random)
      case 'host':
        return `${pick(random, ['db', 'cache', 'web', 'worker'])}-${1 + Math.floor(random() * 12)}.internal`
      case 'path':
        return pick(random, ['/api/orders', '/api/cart', '/api/products', '/api/search', '/login', '/checkout'])
      case 'user':
        return `u${1 + Math.floor(random() * 5_000)}`
      default:
        return `${Math.floor(random() * 10)}`
    }
  })
}

function attributes(random: () => number, severity: DemoSeverity): Record<string, string | number | boolean> {
  const failed = severity === 'ERROR' || severity === 'CRITICAL'
  return {
    request_id: hex(random) + hex(random),
    user_id: 1 + Math.floor(random() * 5_000),
    duration_ms: Math.round(50_000 / (1 + random() * 5_000)) / 10,
    region: pick(random, ['eu-west', 'us-east', 'ap-south']),
    'http.status': failed ? pick(random, [500, 502, 503, 504]) : pick(random, [200, 200, 200, 201, 204, 304, 404]),
    cached: random() < 0.5,
  }
}

function hex(random: () => number): string {
  return Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0')
}
