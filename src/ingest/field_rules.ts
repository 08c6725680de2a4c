import type { SeverityScheme } from '../core/severity.ts'
import type { RowFault } from './row_fault.ts'

export type FieldRole = 'timestamp' | 'severity' | 'source' | 'message'

/** What a recognised field name means; see `fieldRules`. */
export interface FieldRule {
  name: string
  role: FieldRole
  /** Among the fields of a record that could fill a role the smallest rank does; the others stay attributes. */
  rank: number
  /** Edgelog's own names only: why a value that cannot be used rejects the record. Under any other it stays an attribute. */
  fault: RowFault | undefined
  /** Also stays an attribute, since its name says more than the role does. */
  keep: boolean
  /** How a number is read as a severity. */
  scheme: SeverityScheme
  /** Counts only in records that also have this key at the top: by itself the name is too common to mean the role. */
  beside: string | undefined
}

type Entry = readonly [name: string, options?: Partial<Pick<FieldRule, 'keep' | 'scheme' | 'beside'>>]

/** Each list in order of preference: the application's own word before its platform's, text before numbers. */
const timestamps: readonly Entry[] = [
  ['timestamp'], // Edgelog; also tracing, Log4j, GELF, Elasticsearch, Postgres, Google Cloud
  ['@timestamp'], // Elastic Common Schema, Logstash, hclog
  ['time'], // pino, bunyan, logrus, slog, zerolog, Docker
  ['ts'], // zap, Caddy
  ['@t'], // Serilog, compact format
  ['Timestamp'], // Serilog, .NET console, OpenTelemetry data model
  ['time_iso8601'], // nginx
  ['timeUnixNano'], // OpenTelemetry protocol
  ['time_unix_nano'],
  ['__REALTIME_TIMESTAMP'], // systemd journal, microseconds
  ['t.$date'], // MongoDB
  ['record.time.timestamp'], // loguru
  ['eventTime'], // AWS CloudTrail
  ['event_time'],
  ['datetime'], // monolog
  ['asctime'], // Python logging
  ['timeMillis'], // Log4j 2
  ['EdgeStartTimestamp'], // Cloudflare HTTP requests
  ['EventTimestampMs'], // Cloudflare Workers
  ['start_time'], // Envoy
  ['msec'], // nginx
  ['time_local'], // nginx, Apache
  ['date'], // Fluent Bit
  ['created'], // Python logging, seconds
  ['observedTimeUnixNano'], // OpenTelemetry: when it was collected
  ['ObservedTimestamp'],
]

const severityFields: readonly Entry[] = [
  ['severity'], // Edgelog; also Google Cloud
  ['level'], // pino, bunyan, zap, logrus, winston, GELF
  ['log.level'], // Elastic Common Schema
  ['levelname'], // Python logging
  ['level_name'], // monolog, whose `level` counts in hundreds
  ['@l'], // Serilog, compact format
  ['@level'], // hclog
  ['Level'], // Serilog
  ['LogLevel'], // .NET console
  ['lvl'], // log15, slf4j encoders
  ['loglevel'],
  ['log_level'],
  ['logLevel'],
  ['error_severity'], // Postgres
  ['record.level.name'], // loguru
  ['severityText'], // OpenTelemetry
  ['severity_text'],
  ['SeverityText'],
  ['severityNumber', { scheme: 'opentelemetry' }],
  ['severity_number', { scheme: 'opentelemetry' }],
  ['SeverityNumber', { scheme: 'opentelemetry' }],
  ['PRIORITY', { scheme: 'syslog' }], // systemd journal
  ['priority', { scheme: 'syslog' }],
  ['syslog_severity', { scheme: 'syslog' }],
  ['log.syslog.severity.code', { scheme: 'syslog' }], // Elastic Common Schema
  ['levelno', { scheme: 'python' }], // Python logging
  ['s', { beside: 'ctx' }], // MongoDB
]

const sources: readonly Entry[] = [
  ['source'],
  ['service'], // queries take `service` for `source`
  ['service.name', { keep: true }], // Elastic Common Schema, OpenTelemetry
  ['service_name', { keep: true }],
  ['serviceName', { keep: true }],
  ['resource.service.name', { keep: true }], // OpenTelemetry
  ['resource.attributes.service.name', { keep: true }],
  ['Resource.service.name', { keep: true }],
  ['dd.service', { keep: true }], // Datadog
  ['app', { keep: true }],
  ['app_name', { keep: true }],
  ['appname', { keep: true }], // syslog receivers
  ['appName', { keep: true }],
  ['application', { keep: true }],
  ['SYSLOG_IDENTIFIER', { keep: true }], // systemd journal
  ['program', { keep: true }], // syslog receivers
  ['kubernetes.labels.app', { keep: true }], // Fluent Bit in Kubernetes
  ['kubernetes.labels.app.kubernetes.io/name', { keep: true }],
  ['kubernetes.container_name', { keep: true }],
  ['kubernetes.container.name', { keep: true }], // Filebeat in Kubernetes
  ['container_name', { keep: true }], // Fluentd in Docker
  ['resource.labels.container_name', { keep: true }], // Google Cloud
  ['resource.labels.service_name', { keep: true }],
  ['name', { keep: true, beside: 'pid' }], // bunyan, pino
  ['component', { keep: true }],
  ['logger', { keep: true }], // zap, Caddy
  ['log.logger', { keep: true }], // Elastic Common Schema
  ['logger_name', { keep: true }], // Logback
  ['loggerName', { keep: true }], // Log4j 2
  ['@module', { keep: true }], // hclog
  ['Category', { keep: true, beside: 'EventId' }], // .NET console
  ['SourceContext', { keep: true }], // Serilog
  ['Properties.SourceContext', { keep: true }],
  ['channel', { keep: true, beside: 'context' }], // monolog
  ['target', { keep: true, beside: 'fields' }], // tracing
  ['logName', { keep: true }], // Google Cloud
  ['_SYSTEMD_UNIT', { keep: true }], // systemd journal
  ['_COMM', { keep: true }],
  ['host.name', { keep: true }], // Elastic Common Schema
  ['host', { keep: true }], // better than nothing: at least the machine or site
  ['hostname', { keep: true }],
  ['_HOSTNAME', { keep: true }],
]

const messages: readonly Entry[] = [
  ['message'],
  ['msg'], // pino, bunyan, zap, logrus, slog
  ['@message'], // hclog
  ['@m'], // Serilog, compact format
  ['MESSAGE'], // systemd journal
  ['Message'], // .NET console
  ['RenderedMessage'], // Serilog
  ['log'], // Docker, Kubernetes
  ['short_message'], // GELF
  ['fields.message'], // tracing
  ['jsonPayload.message'], // Google Cloud
  ['textPayload'],
  ['record.message'], // loguru
  ['body'], // OpenTelemetry
  ['body.stringValue'],
  ['Body'],
  ['@mt'], // Serilog templates, when nothing is rendered
  ['MessageTemplate'],
  ['event'], // structlog
  ['text'],
]

const faults: ReadonlyMap<string, RowFault> = new Map([
  fault('timestamp', 'is not a time from 1970 to 2286 (RFC 3339, or epoch seconds, milliseconds, microseconds or nanoseconds)'),
  fault('severity', 'is not TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL or an alias of these'),
])

/** Recognised field names, nested ones with dots. Exact case: what a producer writes, not what it might. */
export const fieldRules: ReadonlyMap<string, FieldRule> = new Map([
  ...rulesOf('timestamp', timestamps),
  ...rulesOf('severity', severityFields),
  ...rulesOf('source', sources),
  ...rulesOf('message', messages),
])

function fault(name: string, text: string): [string, RowFault] {
  return [name, { code: 'invalid_value', text: `has a ${name} that ${text}` }]
}

function rulesOf(role: FieldRole, entries: readonly Entry[]): [string, FieldRule][] {
  return entries.map(([name, { keep, scheme, beside } = {}], rank) => [
    name,
    { name, role, rank, fault: faults.get(name), keep: keep ?? false, scheme: scheme ?? 'common', beside },
  ])
}
