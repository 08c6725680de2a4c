import { eq, sql } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { actorStillMay, requireStill } from '../../db/actor_may.ts'
import { auditEntry } from '../../db/audit.ts'
import { shortChangesOf } from '../../db/audit_fields.ts'
import type { TenantCtx } from '../../db/context.ts'
import { queueMails } from '../../db/mails.ts'
import { notificationChannels } from '../../db/schema_alerts.ts'
import type { ChannelConfig, ChannelRow, IsWanted } from './channel.ts'
import {
  changedMeanwhile,
  channelRow,
  findChannel,
  ownChannels,
  requireTarget,
  requireVersion,
  sealSecret,
  secretOf,
  seenOf,
} from './channel.ts'
import { nobody } from './create.ts'
import { askRecipients } from './recipients.ts'
import type { ChannelInput, ChannelPatch } from './schema.ts'
import { working } from './send/limits.ts'

/** Changes name and address of a channel; its kind and its signing secret stay. Throws `precondition_failed` for an unwanted version. */
export async function updateChannel(
  ctx: TenantCtx,
  id: string,
  change: ChannelInput | ChannelPatch,
  isWanted: IsWanted,
): Promise<{ row: ChannelRow; confirmed: ReadonlySet<string> }> {
  const before = await findChannel(ctx, id)
  requireVersion(before, isWanted)
  requireKind(before, change)
  const next = changed(ctx, before, change)
  // Another address has failed at nothing yet.
  const fresh = next.sealedSecret === before.sealedSecret ? {} : working
  const updatedAt = Math.max(ctx.now(), before.updatedAt + 1)
  const version = (at: number) => ownChannels(ctx, eq(notificationChannels.id, id), eq(notificationChannels.updatedAt, at))
  // Those who were asked before and have not answered are asked again, if that was long ago.
  const done = sql`exists (select 1 from ${notificationChannels} where ${version(updatedAt)})`
  const asked = next.config.to === undefined ? nobody : await askRecipients(ctx, next.config.to, done)
  const where = ownChannels(ctx, version(before.updatedAt), actorStillMay(ctx, 'channels:write'))
  const changes = shortChangesOf({ name: before.name, ...before.config }, { name: next.name, ...next.config })
  const entry = { action: 'notification_channel.update', target: { kind: 'notification_channel', id }, changes }
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, entry, notificationChannels, where),
    ctx.db
      .update(notificationChannels)
      .set({ ...next, ...fresh, config: { ...next.config }, updatedAt })
      .where(where)
      .returning(),
    ...asked.statements,
  ])
  const row = rows[0]
  if (!row) {
    await requireStill(ctx, 'channels:write')
    requireVersion(await findChannel(ctx, id), isWanted)
    throw changedMeanwhile()
  }
  queueMails(ctx, asked.mails)
  return { row: channelRow(row), confirmed: asked.confirmed }
}

function requireKind(row: ChannelRow, change: ChannelInput | ChannelPatch): void {
  const other = 'kind' in change && change.kind !== row.kind
  const foreign = row.kind === 'email' ? 'url' : 'to'
  if (!other && (change as ChannelPatch)[foreign] === undefined) return
  const field = other ? 'kind' : foreign
  const text = other ? `must stay ${row.kind}: make another channel instead` : `is nothing that a channel of the kind ${row.kind} has`
  throw problem('validation_failed', `The field ${field} ${text}.`, { details: { [field]: [text] } })
}

/** What is stored from now on. */
function changed(
  ctx: TenantCtx,
  before: ChannelRow,
  { name = before.name, to, url }: ChannelPatch,
): { name: string; config: ChannelConfig; sealedSecret: string | null } {
  if (url === undefined) return { name, config: { ...before.config, ...(to && { to }) }, sealedSecret: before.sealedSecret }
  requireTarget(ctx, url)
  const sealedSecret = sealSecret(ctx, before, { ...secretOf(ctx, before), url })
  return { name, config: { ...before.config, ...seenOf(url) }, sealedSecret }
}
