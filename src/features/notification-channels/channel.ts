import { randomBytes } from 'node:crypto'
import { eq } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { targetFault } from '../../core/target_url.ts'
import type { BaseCtx, TenantCtx } from '../../db/context.ts'
import { notificationChannels } from '../../db/schema_alerts.ts'
import { seal, unseal } from '../../db/sealed.ts'
import { inTenant } from '../../db/tenant.ts'

type StoredRow = typeof notificationChannels.$inferSelect

/** What everybody may see of a channel. */
export interface ChannelConfig {
  to?: string[]
  host?: string
  url_hint?: string | null
  secret_hint?: string
  previous_secret_ends_ms?: number | null
}

/** What is sealed of one. */
export interface ChannelSecret {
  url: string
  /** Of a webhook: `whsec_` and base64. */
  secret?: string
  /** The one before, until its grace ends. */
  previous?: { secret: string; ends_ms: number }
}

export type ChannelRow = Omit<StoredRow, 'config'> & { config: ChannelConfig }

const secretBytes = 32
const secretPrefix = 'whsec_'
const hintChars = 4
/** Behind the host: of a shorter address the hint would be a good part. */
const hintedCharsMin = 16

export function ownChannels({ tenant }: Pick<TenantCtx, 'tenant'>, ...conditions: (SQL | undefined)[]): SQL {
  return inTenant({ tenant }, notificationChannels, ...conditions)
}

/** Throws 404 for what is no channel of this organization. */
export async function findChannel(ctx: TenantCtx, id: string): Promise<ChannelRow> {
  const [row] = await ctx.db
    .select()
    .from(notificationChannels)
    .where(ownChannels(ctx, eq(notificationChannels.id, id)))
  if (!row) throw problem('not_found', 'There is no such notification channel.')
  return channelRow(row)
}

/** Only what the verbs made was stored. */
export function channelRow(row: StoredRow): ChannelRow {
  return { ...row, config: row.config }
}

/** Of all versions of a channel no two have the same name: the time rises with each change. */
export function versionOf({ updatedAt }: Pick<ChannelRow, 'updatedAt'>): string {
  return `"${updatedAt}"`
}

export type IsWanted = (version: string) => boolean

export function requireVersion(row: ChannelRow, isWanted: IsWanted): void {
  if (!isWanted(versionOf(row)))
    throw problem('precondition_failed', 'The channel is not the one that If-Match names. Look at it and try again.')
}

export function changedMeanwhile() {
  return problem('conflict', 'The channel was changed by somebody else meanwhile. Look at it and try again.')
}

/** A signing secret of the Standard Webhooks scheme. */
export function newSigningSecret(): string {
  return secretPrefix + randomBytes(secretBytes).toString('base64')
}

/** The bytes that sign. */
export function signingKey(secret: string): Uint8Array {
  return Uint8Array.from(Buffer.from(secret.slice(secretPrefix.length), 'base64'))
}

/** The last characters of a secret or address, by which people tell them apart. */
export function hintOf(text: string): string {
  return text.replace(/=+$/, '').slice(-hintChars)
}

/** What may be seen of an address. */
export function seenOf(url: string): Pick<ChannelConfig, 'host' | 'url_hint'> {
  const { host, origin, href } = new URL(url)
  return { host, url_hint: href.length - origin.length > hintedCharsMin ? hintOf(href) : null }
}

/** Throws 400 for an address that the service must not call. */
export function requireTarget({ config }: Pick<BaseCtx, 'config'>, url: string): void {
  const fault = targetFault(url, { allowPrivate: config.webhookPrivateTargets })
  if (fault !== undefined) throw problem('validation_failed', `The address ${fault}.`, { details: { url: [fault] } })
}

interface SealedOf {
  organizationId: string
  id: string
}

export function sealSecret({ config }: Pick<BaseCtx, 'config'>, channel: SealedOf, secret: ChannelSecret): string {
  return seal(config.sealingKeys, place(channel), JSON.stringify(secret))
}

/** Throws where the key that sealed it is gone. */
export function secretOf({ config }: Pick<BaseCtx, 'config'>, channel: SealedOf & { sealedSecret: string | null }): ChannelSecret {
  if (channel.sealedSecret === null) throw new Error('the channel has no secret')
  return JSON.parse(unseal(config.sealingKeys, place(channel), channel.sealedSecret)) as ChannelSecret
}

function place({ organizationId, id }: SealedOf): string {
  return `notification_channels/${organizationId}/${id}`
}
