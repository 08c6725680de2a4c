import type { PlainRow } from './collect.ts'
import { received } from './collect.ts'

export interface Case {
  record: unknown
  row: PlainRow
}

/** One record as each logging library and platform writes it, and the row it has to become. */
export const platforms: Record<string, Case> = {
  'Edgelog itself': {
    record: {
      timestamp: '2026-11-22T07:04:17.193Z',
      severity: 'ERROR',
      source: 'api',
      message: 'no',
      attributes: { 'a.b': 1, time: 'x', message: 2 },
    },
    row: {
      timestamp: '2026-11-22T07:04:17.193Z',
      severity: 'ERROR',
      source: 'api',
      message: 'no',
      attributes: { 'a.b': 1, time: 'x', message: 2 },
    },
  },
  'nginx with escape=json': {
    record:
      '{"time_iso8601":"2026-11-22T07:04:17+00:00","remote_addr":"127.0.0.1","request_method":"GET","uri":"/robots.txt","status":200,"request_time":0.000,"http_referer":"","host":"shop.example.com"}',
    row: {
      timestamp: '2026-11-22T07:04:17.000Z',
      severity: 'INFO',
      source: 'shop.example.com',
      message: '',
      attributes: {
        remote_addr: '127.0.0.1',
        request_method: 'GET',
        uri: '/robots.txt',
        status: 200,
        request_time: 0,
        http_referer: '',
        host: 'shop.example.com',
      },
    },
  },
  pino: {
    record: {
      level: 50,
      time: 1795331057193,
      pid: 28906,
      hostname: 'web-01',
      name: 'shop',
      req: { id: 'b6c0', headers: { 'user-agent': 'curl' } },
      err: { type: 'PaymentError', stack: 'PaymentError: no\n    at pay', aggregateErrors: [{ message: 'a' }] },
      msg: 'request errored',
    },
    row: {
      timestamp: '2026-11-22T07:04:17.193Z',
      severity: 'ERROR',
      source: 'shop',
      message: 'request errored',
      attributes: {
        pid: 28906,
        hostname: 'web-01',
        name: 'shop',
        'req.id': 'b6c0',
        'req.headers.user-agent': 'curl',
        'err.type': 'PaymentError',
        'err.stack': 'PaymentError: no\n    at pay',
        'err.aggregateErrors': '[{"message":"a"}]',
      },
    },
  },
  bunyan: {
    record: { name: 'myapp', hostname: 'banana', pid: 40161, level: 60, msg: 'hi', time: '2013-01-04T18:46:23.851Z', v: 0 },
    row: {
      timestamp: '2013-01-04T18:46:23.851Z',
      severity: 'CRITICAL',
      source: 'myapp',
      message: 'hi',
      attributes: { name: 'myapp', hostname: 'banana', pid: 40161, v: 0 },
    },
  },
  zap: {
    record: '{"level":"dpanic","ts":1795331057.1930001,"logger":"pay","caller":"main.go:12","msg":"failed","attempt":3,"backoff":1}',
    row: {
      timestamp: '2026-11-22T07:04:17.193Z',
      severity: 'CRITICAL',
      source: 'pay',
      message: 'failed',
      attributes: { logger: 'pay', caller: 'main.go:12', attempt: 3, backoff: 1 },
    },
  },
  zerolog: {
    record: { level: 'warn', time: 1795331057, message: 'slow', service: 'db' },
    row: { timestamp: '2026-11-22T07:04:17.000Z', severity: 'WARNING', source: 'db', message: 'slow', attributes: {} },
  },
  logrus: {
    record: { animal: 'walrus', level: 'warning', msg: 'The group grew', number: 122, time: '2026-11-22T09:04:17+02:00' },
    row: {
      timestamp: '2026-11-22T07:04:17.000Z',
      severity: 'WARNING',
      source: '',
      message: 'The group grew',
      attributes: { animal: 'walrus', number: 122 },
    },
  },
  'Go slog': {
    record: { time: '2026-11-22T07:04:17.123456789Z', level: 'INFO', msg: 'hello', count: 3 },
    row: { timestamp: '2026-11-22T07:04:17.123456789Z', severity: 'INFO', source: '', message: 'hello', attributes: { count: 3 } },
  },
  'Serilog, compact format': {
    record: {
      '@t': '2026-11-22T07:04:17.1234567Z',
      '@mt': 'Hello {User}',
      '@l': 'Fatal',
      '@x': 'trace',
      User: 'nick',
      SourceContext: 'App.Web',
    },
    row: {
      timestamp: '2026-11-22T07:04:17.123456700Z',
      severity: 'CRITICAL',
      source: 'App.Web',
      message: 'Hello {User}',
      attributes: { '@x': 'trace', User: 'nick', SourceContext: 'App.Web' },
    },
  },
  '.NET console': {
    record: {
      EventId: 14,
      LogLevel: 'Information',
      Category: 'Microsoft.Hosting',
      Message: 'Now listening',
      State: { address: 'http://localhost' },
    },
    row: {
      timestamp: received,
      severity: 'INFO',
      source: 'Microsoft.Hosting',
      message: 'Now listening',
      attributes: { EventId: 14, Category: 'Microsoft.Hosting', 'State.address': 'http://localhost' },
    },
  },
  'Elastic Common Schema': {
    record: {
      '@timestamp': '2026-11-22T07:04:17.193Z',
      'log.level': 'debug',
      message: 'm',
      service: { name: 'checkout', version: '1' },
      log: { logger: 'a.b' },
      source: { ip: '10.0.0.1' },
      event: { action: 'x' },
      host: { name: 'h' },
    },
    row: {
      timestamp: '2026-11-22T07:04:17.193Z',
      severity: 'DEBUG',
      source: 'checkout',
      message: 'm',
      attributes: {
        'service.name': 'checkout',
        'service.version': '1',
        'log.logger': 'a.b',
        'source.ip': '10.0.0.1',
        'event.action': 'x',
        'host.name': 'h',
      },
    },
  },
  'OpenTelemetry, JSON encoding of the protocol': {
    record: {
      timeUnixNano: '1795331057193456789',
      observedTimeUnixNano: '1795331058000000000',
      severityNumber: 17,
      severityText: 'Error',
      body: { stringValue: 'no' },
      traceId: 'ab',
    },
    row: {
      timestamp: '2026-11-22T07:04:17.193456789Z',
      severity: 'ERROR',
      source: '',
      message: 'no',
      attributes: { observedTimeUnixNano: '1795331058000000000', severityNumber: 17, traceId: 'ab' },
    },
  },
  'OpenTelemetry without a time of its own': {
    record: { timeUnixNano: '0', observedTimeUnixNano: 1795331058000, SeverityNumber: 5, Body: 'b', Resource: { 'service.name': 'pay' } },
    row: {
      timestamp: '2026-11-22T07:04:18.000Z',
      severity: 'DEBUG',
      source: 'pay',
      message: 'b',
      attributes: { timeUnixNano: '0', 'Resource.service.name': 'pay' },
    },
  },
  'systemd journal': {
    record: {
      __REALTIME_TIMESTAMP: '1795331057193456',
      PRIORITY: '3',
      SYSLOG_IDENTIFIER: 'sshd',
      MESSAGE: 'error: no',
      _HOSTNAME: 'h1',
      _PID: '12',
    },
    row: {
      timestamp: '2026-11-22T07:04:17.193456000Z',
      severity: 'ERROR',
      source: 'sshd',
      message: 'error: no',
      attributes: { SYSLOG_IDENTIFIER: 'sshd', _HOSTNAME: 'h1', _PID: '12' },
    },
  },
  'Docker json-file': {
    record: { log: 'Hello\n', stream: 'stdout', time: '2026-11-22T07:04:17.123456789Z' },
    row: { timestamp: '2026-11-22T07:04:17.123456789Z', severity: 'INFO', source: '', message: 'Hello', attributes: { stream: 'stdout' } },
  },
  'Kubernetes through Fluent Bit': {
    record: {
      date: 1795331057.193456,
      log: 'GET /\r\n',
      stream: 'stderr',
      kubernetes: { pod_name: 'api-1', container_name: 'api', labels: { app: 'shop', 'pod-template-hash': 'x' } },
    },
    row: {
      timestamp: '2026-11-22T07:04:17.193456000Z',
      severity: 'INFO',
      source: 'shop',
      message: 'GET /',
      attributes: {
        stream: 'stderr',
        'kubernetes.pod_name': 'api-1',
        'kubernetes.container_name': 'api',
        'kubernetes.labels.app': 'shop',
        'kubernetes.labels.pod-template-hash': 'x',
      },
    },
  },
}
