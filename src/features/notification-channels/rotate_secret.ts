import { eq } from 'drizzle-orm'
import { signingSecretGraceMs } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { actorStillMay, requireStill } from '../../db/actor_may.ts'
import { auditEntry, changesOf } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { notificationChannels } from '../../db/schema_alerts.ts'
import { changedMeanwhile, channelRow, findChannel, hintOf, newSigningSecret, ownChannels, sealSecret, secretOf } from './channel.ts'
import type { MadeChannel } from './create.ts'

/** A new signing secret for a webhook. The one before signs as well until the grace ends; the one before that no more. */
export async function rotateSecret(ctx: TenantCtx, id: string): Promise<MadeChannel> {
  const before = await findChannel(ctx, id)
  if (before.kind !== 'webhook') throw problem('unprocessable', 'Only webhooks are signed.')
  const { url, secret: old } = secretOf(ctx, before)
  const now = ctx.now()
  const endsMs = now + signingSecretGraceMs
  const secret = newSigningSecret()
  const sealedSecret = sealSecret(ctx, before, { url, secret, ...(old !== undefined && { previous: { secret: old, ends_ms: endsMs } }) })
  const config = { ...before.config, secret_hint: hintOf(secret), previous_secret_ends_ms: endsMs }
  // Of rotations at once one wins: the secrets of the others were shown to nobody.
  const where = ownChannels(
    ctx,
    eq(notificationChannels.id, id),
    eq(notificationChannels.updatedAt, before.updatedAt),
    actorStillMay(ctx, 'channels:write'),
  )
  const changes = changesOf({ secret_hint: before.config.secret_hint }, { secret_hint: config.secret_hint })
  const entry = { action: 'notification_channel.rotate_secret', target: { kind: 'notification_channel', id }, changes }
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, entry, notificationChannels, where),
    ctx.db
      .update(notificationChannels)
      .set({ sealedSecret, config, updatedAt: Math.max(now, before.updatedAt + 1) })
      .where(where)
      .returning(),
  ])
  const row = rows[0]
  if (!row) {
    await requireStill(ctx, 'channels:write')
    throw changedMeanwhile()
  }
  return { row: channelRow(row), confirmed: new Set(), secret }
}
