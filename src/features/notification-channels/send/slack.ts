import type { AlertNotice } from '../../../core/alerts.ts'
import type { BaseCtx } from '../../../db/context.ts'
import type { ChannelSecret } from '../channel.ts'
import type { Outcome } from './outcome.ts'
import { postJson } from './post_json.ts'
import { slackMessage } from './slack_message.ts'

/**
 * Posts a notice to an incoming webhook of Slack, or of something that takes the same. Slack answers `ok`, others nothing or JSON that
 * says so; a page of text with status 200 is no such receiver.
 */
export async function sendSlack(
  ctx: Pick<BaseCtx, 'config' | 'now'>,
  { url }: ChannelSecret,
  notice: AlertNotice,
  timeoutMs?: number,
): Promise<Outcome> {
  const body = JSON.stringify(slackMessage(notice))
  const outcome = await postJson(ctx, { url, headers: {}, body, ...(timeoutMs !== undefined && { timeoutMs }) })
  if (outcome.kind !== 'accepted' || isOk(outcome.answer)) return outcome
  return {
    kind: 'refused',
    error: 'It did not answer as an incoming webhook of Slack does.',
    status: outcome.status,
    answer: outcome.answer,
  }
}

function isOk(answer: string): boolean {
  return answer === '' || /^ok$/i.test(answer) || /^\{.*"(ok|success)"\s*:\s*true/s.test(answer)
}
