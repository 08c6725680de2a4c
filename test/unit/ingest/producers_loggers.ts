import { received } from './collect.ts'
import type { Case } from './producers_platforms.ts'

/** The same for services and for loggers of more languages. */
export const loggers: Record<string, Case> = {
  'Google Cloud': {
    record: { severity: 'NOTICE', timestamp: '2026-11-22T07:04:17Z', jsonPayload: { message: 'p', n: 1 }, logName: 'projects/p/logs/l' },
    row: {
      timestamp: '2026-11-22T07:04:17.000Z',
      severity: 'INFO',
      source: 'projects/p/logs/l',
      message: 'p',
      attributes: { 'jsonPayload.n': 1, logName: 'projects/p/logs/l' },
    },
  },
  GELF: {
    record: {
      version: '1.1',
      host: 'example.org',
      short_message: 'short',
      full_message: 'long',
      timestamp: 1385053862.3072,
      level: 1,
      _user: 9,
    },
    row: {
      timestamp: '2013-11-21T17:11:02.307200000Z',
      severity: 'CRITICAL',
      source: 'example.org',
      message: 'short',
      attributes: { version: '1.1', host: 'example.org', full_message: 'long', _user: 9 },
    },
  },
  monolog: {
    record: {
      message: 'm',
      context: { user: 1 },
      level: 300,
      level_name: 'WARNING',
      channel: 'app',
      datetime: '2026-11-22T07:04:17.193456+00:00',
      extra: {},
    },
    row: {
      timestamp: '2026-11-22T07:04:17.193456000Z',
      severity: 'WARNING',
      source: 'app',
      message: 'm',
      attributes: { 'context.user': 1, level: 300, channel: 'app' },
    },
  },
  structlog: {
    record: { event: 'order placed', level: 'info', timestamp: '2026-11-22T07:04:17.193456Z', logger: 'shop', order: { id: 7 } },
    row: {
      timestamp: '2026-11-22T07:04:17.193456000Z',
      severity: 'INFO',
      source: 'shop',
      message: 'order placed',
      attributes: { logger: 'shop', 'order.id': 7 },
    },
  },
  'Python logging': {
    record: {
      asctime: '2026-11-22 07:04:17,649',
      levelname: 'CRITICAL',
      levelno: 50,
      name: 'billing',
      message: 'm',
      created: 1795331057.6491,
    },
    row: {
      timestamp: '2026-11-22T07:04:17.649Z',
      severity: 'CRITICAL',
      source: '',
      message: 'm',
      attributes: { levelno: 50, name: 'billing', created: 1795331057.6491 },
    },
  },
  'Rust tracing': {
    record: { timestamp: '2026-11-22T07:04:17.821315Z', level: 'TRACE', fields: { message: 'shaving', yaks: 3 }, target: 'fmt_json' },
    row: {
      timestamp: '2026-11-22T07:04:17.821315000Z',
      severity: 'TRACE',
      source: 'fmt_json',
      message: 'shaving',
      attributes: { 'fields.yaks': 3, target: 'fmt_json' },
    },
  },
  MongoDB: {
    record: { t: { $date: '2026-11-22T07:04:17.193+00:00' }, s: 'W', c: 'NETWORK', id: 22943, ctx: 'listener', msg: 'Connection accepted' },
    row: {
      timestamp: '2026-11-22T07:04:17.193Z',
      severity: 'WARNING',
      source: '',
      message: 'Connection accepted',
      attributes: { c: 'NETWORK', id: 22943, ctx: 'listener' },
    },
  },
  Postgres: {
    record: { timestamp: '2026-11-22 07:04:17.193 UTC', pid: 1, error_severity: 'LOG', message: 'ready', backend_type: 'postmaster' },
    row: {
      timestamp: '2026-11-22T07:04:17.193Z',
      severity: 'INFO',
      source: '',
      message: 'ready',
      attributes: { pid: 1, backend_type: 'postmaster' },
    },
  },
  'hclog (Vault, Terraform)': {
    record: { '@level': 'trace', '@message': 'm', '@module': 'core', '@timestamp': '2026-11-22T07:04:17.193456Z' },
    row: {
      timestamp: '2026-11-22T07:04:17.193456000Z',
      severity: 'TRACE',
      source: 'core',
      message: 'm',
      attributes: { '@module': 'core' },
    },
  },
  loguru: {
    record: {
      text: 'formatted\n',
      record: { level: { name: 'SUCCESS', no: 25 }, message: 'done', time: { timestamp: 1795331057.193456 }, name: '__main__' },
    },
    row: {
      timestamp: '2026-11-22T07:04:17.193456000Z',
      severity: 'INFO',
      source: '',
      message: 'done',
      attributes: { text: 'formatted\n', 'record.level.no': 25, 'record.name': '__main__' },
    },
  },
  'Heroku and anything else that is text': {
    record: '2026-11-22T07:04:17.193+00:00 app[web.1]: State changed from starting to up',
    row: {
      timestamp: received,
      severity: 'INFO',
      source: '',
      message: '2026-11-22T07:04:17.193+00:00 app[web.1]: State changed from starting to up',
      attributes: {},
    },
  },
}
