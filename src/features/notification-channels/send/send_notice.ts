import type { AlertNotice } from '../../../core/alerts.ts'
import type { BaseCtx } from '../../../db/context.ts'
import type { ChannelRow, ChannelSecret } from '../channel.ts'
import { secretOf } from '../channel.ts'
import type { Outcome } from './outcome.ts'
import { sendSlack } from './slack.ts'
import { sendWebhook } from './webhook.ts'

/** Hands a notice to a channel that is no e-mail: those have mails of their own. */
export async function sendNotice(
  ctx: Pick<BaseCtx, 'config' | 'now' | 'log'>,
  channel: ChannelRow,
  notice: AlertNotice,
  timeoutMs?: number,
): Promise<Outcome> {
  let secret: ChannelSecret
  try {
    secret = secretOf(ctx, channel)
  } catch (error) {
    ctx.log.error('the secret of a channel cannot be opened', error, { channel_id: channel.id })
    return { kind: 'refused', error: 'Its address cannot be read any more: set it again.', status: null, answer: null }
  }
  return channel.kind === 'slack' ? sendSlack(ctx, secret, notice, timeoutMs) : sendWebhook(ctx, secret, notice, timeoutMs)
}
