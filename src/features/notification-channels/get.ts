import type { TenantCtx } from '../../db/context.ts'
import type { ChannelRow } from './channel.ts'
import { findChannel } from './channel.ts'
import { confirmedRecipients } from './recipients.ts'

/** A channel, and those of its addresses that are written to. */
export async function getChannel(ctx: TenantCtx, id: string): Promise<{ row: ChannelRow; confirmed: ReadonlySet<string> }> {
  const row = await findChannel(ctx, id)
  return { row, confirmed: await confirmedRecipients(ctx, ctx.tenant.organizationId, row.config.to ?? []) }
}
