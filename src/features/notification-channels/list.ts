import { count, eq } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { holds, listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { notificationChannels } from '../../db/schema_alerts.ts'
import { channelRow, ownChannels } from './channel.ts'
import { channelJson } from './json.ts'
import { confirmedRecipients } from './recipients.ts'
import type { ChannelJson, listChannelsQuery } from './schema.ts'

const orderColumns = { name: notificationChannels.name, created_at: notificationChannels.createdAt }

/** One page of the organization's channels, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listChannels(ctx: TenantCtx, query: z.output<typeof listChannelsQuery>): Promise<ListPage<ChannelJson>> {
  const ofKind = query.kind === undefined ? undefined : eq(notificationChannels.kind, query.kind)
  const where = ownChannels(ctx, ofKind, holds(notificationChannels.name, query.search))
  const [totals, stored] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(notificationChannels).where(where),
    ctx.db
      .select()
      .from(notificationChannels)
      .where(where)
      .orderBy(...orderOf(orderColumns, query.ordering, notificationChannels.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  const rows = stored.map(channelRow)
  const emails = [...new Set(rows.flatMap(({ config }) => config.to ?? []))]
  const confirmed = await confirmedRecipients(ctx, ctx.tenant.organizationId, emails)
  return listPage(
    totals,
    rows.map((row) => channelJson(row, confirmed, ctx.now())),
  )
}
