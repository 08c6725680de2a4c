import * as z from 'zod'
import { smtpDeadlineSecondsMax } from './limits.ts'
import { emailSchema, lineSchema } from './primitives.ts'

/** How mails leave: `outbox` only stores them, for a machine on which nobody delivers mails. */
export const mailTransports = ['outbox', 'smtp', 'sendgrid', 'cloudflare'] as const

const flag = z.enum(['true', 'false']).transform((text) => text === 'true')
/** What goes into a line of SMTP or HTTP as it is. */
const secret = z.string().regex(/^[\x20-\x7e]{1,500}$/, 'must be 1 to 500 printable ASCII characters')

const sender = {
  MAIL_FROM: emailSchema,
  MAIL_FROM_NAME: lineSchema(100).default('Edgelog'),
  /** Base64 of the public key (P-256, SPKI) with which SendGrid signs its events; without it there is no webhook. */
  SENDGRID_WEBHOOK_KEY: z.base64().min(80).max(200).optional(),
}

const smtp = z
  .object({
    ...sender,
    MAIL_TRANSPORT: z.literal('smtp'),
    SMTP_HOST: z.string().regex(/^[\w.-]{1,253}$/, 'must be a host name or an IPv4 address'),
    SMTP_PORT: z.coerce.number().int().min(1).max(65_535).optional(),
    /** `starttls`: plain at first, and nothing is sent unless TLS begins. `tls`: from the first byte. `none`: everybody on the way reads along. */
    SMTP_SECURITY: z.enum(['starttls', 'tls', 'none']).default('starttls'),
    SMTP_USER: secret.optional(),
    SMTP_PASSWORD: secret.optional(),
    SMTP_AUTH: z.enum(['PLAIN', 'LOGIN']).default('PLAIN'),
    SMTP_INSECURE_AUTH: flag.prefault('false'),
    SMTP_DEADLINE_SECONDS: z.coerce.number().int().min(1).max(smtpDeadlineSecondsMax).default(40),
  })
  .check(({ value, issues }) => {
    const wrong = (name: string, message: string) => issues.push({ code: 'custom', path: [name], message, input: undefined })
    if ((value.SMTP_USER === undefined) !== (value.SMTP_PASSWORD === undefined))
      wrong(value.SMTP_USER === undefined ? 'SMTP_USER' : 'SMTP_PASSWORD', 'is missing: user and password belong together')
    if (value.SMTP_PASSWORD !== undefined && value.SMTP_SECURITY === 'none' && !value.SMTP_INSECURE_AUTH)
      wrong('SMTP_PASSWORD', 'would be sent without TLS; if the server is on this machine, allow it with SMTP_INSECURE_AUTH = "true"')
  })

/** Names that count, by transport; a name of another transport may stay where it is. */
const mailVars = z.discriminatedUnion('MAIL_TRANSPORT', [
  z.object({ ...sender, MAIL_FROM: emailSchema.optional(), MAIL_TRANSPORT: z.literal('outbox') }),
  smtp,
  z.object({
    ...sender,
    MAIL_TRANSPORT: z.literal('sendgrid'),
    SENDGRID_API_KEY: secret,
    /** For accounts in the EU, https://api.eu.sendgrid.com. */
    SENDGRID_URL: z.url({ protocol: /^https?$/ }).default('https://api.sendgrid.com'),
  }),
  z.object({
    ...sender,
    MAIL_TRANSPORT: z.literal('cloudflare'),
    EMAIL: z.custom((binding) => typeof binding === 'object' && binding !== null, 'must be bound: see [[send_email]] in wrangler.toml'),
  }),
])

export interface SmtpSettings {
  readonly host: string
  readonly port: number
  readonly security: 'starttls' | 'tls' | 'none'
  readonly login: { readonly user: string; readonly pass: string; readonly method: 'PLAIN' | 'LOGIN' } | null
  /** For one message, from connecting to the answer behind its last byte. */
  readonly deadlineMs: number
}

export interface SendgridSettings {
  readonly apiKey: string
  readonly url: string
}

export type TransportSettings =
  | { readonly transport: 'outbox' | 'cloudflare' }
  | { readonly transport: 'smtp'; readonly smtp: SmtpSettings }
  | { readonly transport: 'sendgrid'; readonly sendgrid: SendgridSettings }

export type MailSettings = TransportSettings & {
  readonly from: { readonly name: string; readonly address: string }
  readonly sendgridWebhookKey: string | undefined
}

/** Ports that mail servers take submissions on (RFC 8314), and that of relays. */
const usualPorts = { starttls: 587, tls: 465, none: 25 } as const

/** What the variables say of mails, or what is wrong with them. `domain` is that of mails where no sender is named. */
export function parseMailSettings(env: object, domain: string): { settings: MailSettings } | { issues: z.core.$ZodIssue[] } {
  const { MAIL_TRANSPORT: transport = 'outbox', ...rest } = pick(env)
  const parsed = mailVars.safeParse({ ...rest, MAIL_TRANSPORT: transport })
  if (!parsed.success) return { issues: parsed.error.issues }
  const vars = parsed.data
  const from = { name: vars.MAIL_FROM_NAME, address: vars.MAIL_FROM ?? `no-reply@${domain}` }
  return { settings: Object.freeze({ ...transportOf(vars), from, sendgridWebhookKey: vars.SENDGRID_WEBHOOK_KEY }) }
}

function transportOf(vars: z.output<typeof mailVars>): TransportSettings {
  switch (vars.MAIL_TRANSPORT) {
    case 'smtp':
      return { transport: 'smtp', smtp: smtpOf(vars) }
    case 'sendgrid':
      return { transport: 'sendgrid', sendgrid: { apiKey: vars.SENDGRID_API_KEY, url: vars.SENDGRID_URL.replace(/\/+$/, '') } }
    case 'outbox':
    case 'cloudflare':
      return { transport: vars.MAIL_TRANSPORT }
  }
}

function smtpOf(vars: z.output<typeof smtp>): SmtpSettings {
  const { SMTP_USER: user, SMTP_PASSWORD: pass, SMTP_SECURITY: security } = vars
  return {
    host: vars.SMTP_HOST,
    port: vars.SMTP_PORT ?? usualPorts[security],
    security,
    login: user === undefined || pass === undefined ? null : { user, pass, method: vars.SMTP_AUTH },
    deadlineMs: vars.SMTP_DEADLINE_SECONDS * 1000,
  }
}

/** Bindings cannot be spread where they are seen through a proxy. */
function pick(env: object): Record<string, unknown> {
  const names = new Set(mailVars.options.flatMap(({ shape }) => Object.keys(shape)))
  const given = [...names].map((name) => [name, Reflect.get(env, name) as unknown] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

/** The part behind the @ of what a deployment sends. An IP address stands in brackets there (RFC 5321, section 4.1.3). */
export function mailDomain(publicUrl: string): string {
  const host = new URL(publicUrl).hostname
  if (host.startsWith('[')) return `[IPv6:${host.slice(1)}`
  return /^[\d.]+$/.test(host) ? `[${host}]` : host
}
