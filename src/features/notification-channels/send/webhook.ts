import { createHmac } from 'node:crypto'
import type { AlertNotice } from '../../../core/alerts.ts'
import type { BaseCtx } from '../../../db/context.ts'
import type { ChannelSecret } from '../channel.ts'
import { signingKey } from '../channel.ts'
import type { Outcome } from './outcome.ts'
import { postJson } from './post_json.ts'

/** Posts a notice by the Standard Webhooks scheme: the id is the notice's, so every retry shows the same one. */
export function sendWebhook(
  ctx: Pick<BaseCtx, 'config' | 'now'>,
  { url, secret, previous }: ChannelSecret,
  notice: AlertNotice,
  timeoutMs?: number,
): Promise<Outcome> {
  const body = JSON.stringify(notice)
  const nowMs = ctx.now()
  const seconds = Math.floor(nowMs / 1000)
  const secrets = [
    ...(secret === undefined ? [] : [secret]),
    ...(previous !== undefined && previous.ends_ms > nowMs ? [previous.secret] : []),
  ]
  const headers = {
    'webhook-id': notice.id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': secrets.map((one) => signatureOf(one, notice.id, seconds, body)).join(' '),
  }
  return postJson(ctx, { url, headers, body, ...(timeoutMs !== undefined && { timeoutMs }) })
}

/** `v1,` and the base64 HMAC-SHA256 of id, time and body. */
export function signatureOf(secret: string, id: string, seconds: number, body: string): string {
  return `v1,${createHmac('sha256', signingKey(secret)).update(`${id}.${seconds}.${body}`).digest('base64')}`
}
