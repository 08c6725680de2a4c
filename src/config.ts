import * as z from 'zod'
import type { AlertJob, EmailJob, NotifyJob, TaskJob } from './core/jobs.ts'
import { sealBytesMax } from './core/limits.ts'
import { mailDomain, parseMailSettings } from './core/mail_settings.ts'
import type { MailSettings } from './core/mail_settings.ts'
import type { Quota } from './core/settings.ts'
import type { ScanCall, ScanReply } from './engine/segment/scan_call.ts'
import type { ExportCall, ExportReply } from './search/export_page.ts'
import type { LiveTail } from './objects/live-tail/object.ts'
import type { LogShard } from './objects/log-shard/object.ts'
import type { LogShardRpc, ShardIdentity } from './objects/log-shard/protocol.ts'
import type { Meter } from './objects/meter/object.ts'

/** A shard within reach, for src/db, which knows no objects. */
export interface OpenShard {
  identity: ShardIdentity
  rpc: LogShardRpc
}

/** Entrypoints of this Worker that it calls itself (`ctx.exports`): each call is an invocation of its own. */
export interface Exports {
  SegmentScan: { run(call: ScanCall): Promise<ScanReply>; exportPage(call: ExportCall): Promise<ExportReply> }
}

/** Bindings, vars and secrets as wrangler.toml and .dev.vars give them. */
export interface Env {
  DB: D1Database
  RATE_LIMITS: KVNamespace
  STORAGE: R2Bucket
  LOG_SHARD: DurableObjectNamespace<LogShard>
  LIVE_TAIL: DurableObjectNamespace<LiveTail>
  METER: DurableObjectNamespace<Meter>
  EMAIL_JOBS: Queue<EmailJob>
  ALERT_JOBS: Queue<AlertJob>
  NOTIFY_JOBS: Queue<NotifyJob>
  TASK_JOBS: Queue<TaskJob>
  ENVIRONMENT?: string
  PUBLIC_URL?: string
  DEFAULT_REGION?: string
  ALLOWED_ORIGINS?: string
  RATE_LIMIT_ANONYMOUS_PER_MINUTE?: string
  RATE_LIMIT_USER_PER_HOUR?: string
  RATE_LIMIT_API_KEY_PER_MINUTE?: string
  QUOTA_ROWS_PER_MINUTE?: string
  QUOTA_BYTES_PER_MINUTE?: string
  QUOTA_ROWS_PER_MONTH?: string
  QUOTA_BYTES_PER_MONTH?: string
  SHARD_APPENDS_PER_SECOND_MAX?: string
  SHARD_BYTES_PER_SECOND_MAX?: string
  SEAL_BYTES?: string
  SEAL_AGE_SECONDS?: string
  VERIFIED_EMAIL_REQUIRED?: string
  BREACHED_PASSWORD_CHECK?: string
  WEBHOOK_PRIVATE_TARGETS?: string
  /** Secret: JSON array of `{kid, k}`, k being 32 bytes in base64url: the first seals, all of them open. */
  ENCRYPTION_KEYS?: string
  /** Secret: JSON array of private Ed25519 JWKs with kid; the first one signs, all of them verify. */
  JWT_KEYS?: string
  /** Secret: what a caller of /metrics must know; without it there is no /metrics. */
  METRICS_TOKEN?: string
  /** How mails leave, and what that needs (core/mail_settings.ts). */
  MAIL_TRANSPORT?: string
  MAIL_FROM?: string
  MAIL_FROM_NAME?: string
  SMTP_HOST?: string
  SMTP_PORT?: string
  SMTP_SECURITY?: string
  SMTP_USER?: string
  /** Secret. */
  SMTP_PASSWORD?: string
  SMTP_AUTH?: string
  SMTP_INSECURE_AUTH?: string
  SMTP_DEADLINE_SECONDS?: string
  /** Secret. */
  SENDGRID_API_KEY?: string
  SENDGRID_URL?: string
  SENDGRID_WEBHOOK_KEY?: string
  /** Only where wrangler.toml declares it. */
  EMAIL?: SendEmail
}

const jwk = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), kid: z.string().min(1), x: z.string(), d: z.string() })

/** AES-256. */
const sealingKey = z.object({ kid: z.string().regex(/^[\w-]{1,40}$/), k: z.string().regex(/^[\w-]{43}$/, 'must be 32 bytes in base64url') })

const jsonText = z.string().transform((text, ctx) => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    ctx.addIssue({ code: 'custom', message: 'is not valid JSON' })
    return z.NEVER
  }
})

/** Location hints of Durable Objects; a region of Edgelog is one of them. */
export const regions = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const
export type Region = (typeof regions)[number]

const origin = z
  .string()
  .refine((text) => URL.canParse(text) && new URL(text).origin === text, 'must be an origin such as https://app.example.com')
const flag = z.enum(['true', 'false']).transform((text) => text === 'true')
const limit = z.coerce.number().int().min(1)

const configSchema = z.object({
  ENVIRONMENT: z.enum(['development', 'test', 'production']).default('development'),
  /** Where this deployment is reached; issuer of tokens and base of links. */
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, '')),
  DEFAULT_REGION: z.enum(regions).default('weur'),
  /** Origins whose scripts may call the API with a bearer token: `*` or a comma-separated list. */
  ALLOWED_ORIGINS: z
    .string()
    .default('*')
    .transform((text) =>
      text.trim() === '*'
        ? ('*' as const)
        : text
            .split(',')
            .map((part) => part.trim())
            .filter(Boolean),
    )
    .pipe(z.union([z.literal('*'), z.array(origin)])),
  RATE_LIMIT_ANONYMOUS_PER_MINUTE: limit.default(100),
  RATE_LIMIT_USER_PER_HOUR: limit.default(1000),
  RATE_LIMIT_API_KEY_PER_MINUTE: limit.default(6000),
  /** What an organization may store where its own row does not say; without a value there is no limit. */
  QUOTA_ROWS_PER_MINUTE: limit.optional(),
  QUOTA_BYTES_PER_MINUTE: limit.optional(),
  QUOTA_ROWS_PER_MONTH: limit.optional(),
  QUOTA_BYTES_PER_MONTH: limit.optional(),
  /** Load of a shard beyond which its region gets another one; the shards read these themselves. */
  SHARD_APPENDS_PER_SECOND_MAX: limit.optional(),
  SHARD_BYTES_PER_SECOND_MAX: limit.optional(),
  /** When a shard seals what is hot: bytes of it, and seconds since the oldest of it came. */
  SEAL_BYTES: limit.max(sealBytesMax).optional(),
  SEAL_AGE_SECONDS: limit.optional(),
  /** Whether a new user must confirm the e-mail before the first login; without it, registering tells whether an e-mail is known. */
  VERIFIED_EMAIL_REQUIRED: flag.prefault('true'),
  /** Whether new passwords are looked up at Have I Been Pwned, by the first five digits of their SHA-1. */
  BREACHED_PASSWORD_CHECK: flag.prefault('false'),
  /** Development and tests only: channels may call `http://127.0.0.1:<port>` as well. */
  WEBHOOK_PRIVATE_TARGETS: flag.prefault('false'),
  ENCRYPTION_KEYS: jsonText.pipe(z.array(sealingKey).min(1)),
  JWT_KEYS: jsonText.pipe(z.array(jwk).min(1)),
  /** As long as 128 random bits in Base64. */
  METRICS_TOKEN: z.string().min(22).optional(),
})

const usableConfig = configSchema.refine(
  ({ ENVIRONMENT, WEBHOOK_PRIVATE_TARGETS }) => ENVIRONMENT !== 'production' || !WEBHOOK_PRIVATE_TARGETS,
  {
    path: ['WEBHOOK_PRIVATE_TARGETS'],
    message: 'must not be true in production: tenants would reach what only this service can',
  },
)

export type JwtKey = z.output<typeof jwk>
export type SealingKey = z.output<typeof sealingKey>

export interface Config {
  readonly environment: 'development' | 'test' | 'production'
  readonly publicUrl: string
  readonly defaultRegion: Region
  readonly allowedOrigins: '*' | readonly string[]
  readonly rateLimits: { readonly anonymousPerMinute: number; readonly userPerHour: number; readonly apiKeyPerMinute: number }
  readonly quota: Quota
  readonly verifiedEmailRequired: boolean
  readonly breachedPasswordCheck: boolean
  readonly webhookPrivateTargets: boolean
  readonly sealingKeys: readonly SealingKey[]
  readonly jwtKeys: readonly JwtKey[]
  readonly metricsToken: string | undefined
  readonly mail: MailSettings
}

const known = new WeakMap<object, Config>()

/** The checked, frozen configuration of this deployment; throws with every wrong name when it is unusable. */
export function configOf(env: Env): Config {
  const cached = known.get(env)
  if (cached) return cached
  const parsed = usableConfig.safeParse(env)
  const mail = parseMailSettings(env, mailDomain(parsed.data?.PUBLIC_URL ?? 'http://localhost'))
  if (!parsed.success || 'issues' in mail) {
    const issues = [...(parsed.error?.issues ?? []), ...('issues' in mail ? mail.issues : [])]
    // Only names and reasons: a value may be a secret.
    throw new Error(`configuration: ${issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`)
  }
  const vars = parsed.data
  const config: Config = Object.freeze({
    environment: vars.ENVIRONMENT,
    publicUrl: vars.PUBLIC_URL,
    defaultRegion: vars.DEFAULT_REGION,
    allowedOrigins: vars.ALLOWED_ORIGINS,
    rateLimits: Object.freeze({
      anonymousPerMinute: vars.RATE_LIMIT_ANONYMOUS_PER_MINUTE,
      userPerHour: vars.RATE_LIMIT_USER_PER_HOUR,
      apiKeyPerMinute: vars.RATE_LIMIT_API_KEY_PER_MINUTE,
    }),
    quota: Object.freeze({
      rowsPerMinute: vars.QUOTA_ROWS_PER_MINUTE ?? null,
      bytesPerMinute: vars.QUOTA_BYTES_PER_MINUTE ?? null,
      rowsPerMonth: vars.QUOTA_ROWS_PER_MONTH ?? null,
      bytesPerMonth: vars.QUOTA_BYTES_PER_MONTH ?? null,
    }),
    verifiedEmailRequired: vars.VERIFIED_EMAIL_REQUIRED,
    breachedPasswordCheck: vars.BREACHED_PASSWORD_CHECK,
    webhookPrivateTargets: vars.WEBHOOK_PRIVATE_TARGETS,
    sealingKeys: Object.freeze(vars.ENCRYPTION_KEYS),
    jwtKeys: Object.freeze(vars.JWT_KEYS),
    metricsToken: vars.METRICS_TOKEN,
    mail: mail.settings,
  })
  known.set(env, config)
  return config
}
