import { eq, sql } from 'drizzle-orm'
import { channelsPerOrganizationMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { actorStillMay, requireStill } from '../../db/actor_may.ts'
import { auditEntry, auditOrigin } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { queueMails } from '../../db/mails.ts'
import { notificationChannels } from '../../db/schema_alerts.ts'
import type { ChannelConfig, ChannelRow } from './channel.ts'
import { channelRow, hintOf, newSigningSecret, ownChannels, requireTarget, sealSecret, seenOf } from './channel.ts'
import { askRecipients } from './recipients.ts'
import type { Asked } from './recipients.ts'
import type { ChannelInput } from './schema.ts'

export interface MadeChannel {
  row: ChannelRow
  confirmed: ReadonlySet<string>
  /** Signing secret of a webhook: nobody is shown it again. */
  secret: string | null
}

/** A new channel of the organization. Addresses of e-mail that are not confirmed are asked. */
export async function createChannel(ctx: TenantCtx, input: ChannelInput): Promise<MadeChannel> {
  if (input.kind !== 'email') requireTarget(ctx, input.url)
  const { organizationId, actor } = auditOrigin(ctx)
  const [id, now] = [ctx.newId(), ctx.now()]
  const secret = input.kind === 'webhook' ? newSigningSecret() : null
  const { config, sealed } = stored(ctx, id, input, secret)
  const made = ownChannels(ctx, eq(notificationChannels.id, id))
  const asked = input.kind === 'email' ? await askRecipients(ctx, input.to, exists(made)) : nobody
  const entry = {
    action: 'notification_channel.create',
    target: { kind: 'notification_channel', id },
    details: { name: input.name, kind: input.kind, ...config },
  }
  const [rows] = await ctx.db.batch([
    // In the order of the table's columns, as drizzle wants it.
    ctx.db
      .insert(notificationChannels)
      .select(
        sql`select ${organizationId}, ${id}, ${input.name}, ${input.kind}, ${JSON.stringify(config)}, ${sealed}, ${actor.id ?? actor.kind},
          ${now}, ${now}, null, null, 0, 0, 0, null, null
          where (select count(*) from ${notificationChannels} where ${ownChannels(ctx)}) < ${channelsPerOrganizationMax}
            and ${actorStillMay(ctx, 'channels:write')}`,
      )
      .returning(),
    auditEntry(ctx, entry, notificationChannels, made),
    ...asked.statements,
  ])
  const row = rows[0]
  if (!row) {
    await requireStill(ctx, 'channels:write')
    throw problem('conflict', `An organization can have at most ${channelsPerOrganizationMax} notification channels. Delete some first.`)
  }
  queueMails(ctx, asked.mails)
  return { row: channelRow(row), confirmed: asked.confirmed, secret }
}

/** For channels without addresses of e-mail. */
export const nobody: Asked = { statements: [], mails: [], confirmed: new Set() }

function stored(ctx: TenantCtx, id: string, input: ChannelInput, secret: string | null): { config: ChannelConfig; sealed: string | null } {
  if (input.kind === 'email') return { config: { to: input.to }, sealed: null }
  const sealed = sealSecret(ctx, { organizationId: ctx.tenant.organizationId, id }, { url: input.url, ...(secret !== null && { secret }) })
  return { config: { ...seenOf(input.url), ...(secret !== null && { secret_hint: hintOf(secret) }) }, sealed }
}

function exists(where: ReturnType<typeof ownChannels>) {
  return sql`exists (select 1 from ${notificationChannels} where ${where})`
}
