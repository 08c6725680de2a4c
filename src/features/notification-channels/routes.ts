import { ifMatch } from '../../http/if_match.ts'
import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import type { ChannelRow } from './channel.ts'
import { versionOf } from './channel.ts'
import { confirmRecipient } from './confirm_email.ts'
import { createChannel } from './create.ts'
import { getChannel } from './get.ts'
import { channelJson } from './json.ts'
import { listChannels } from './list.ts'
import { deleteChannel } from './remove.ts'
import { rotateSecret } from './rotate_secret.ts'
import {
  channelPageSchema,
  channelParam,
  channelSchema,
  channelTestSchema,
  confirmEmailSchema,
  listChannelsQuery,
  patchChannelSchema,
  secretChannelSchema,
  shownChannelSchema,
} from './schema.ts'
import { testChannel } from './test_channel.ts'
import { updateChannel } from './update.ts'

const collection = '/api/v1/notification-channels'
const item = `${collection}/:id`
const concurrency = 'Send the ETag of what you saw as If-Match, and a channel that was changed since answers 412 instead.'

const list = route(
  {
    id: 'notification_channels.list',
    method: 'get',
    path: collection,
    summary: 'Notification channels of the organization',
    access: 'channels:read',
    query: listChannelsQuery,
    replies: { 200: channelPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listChannels(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const create = route(
  {
    id: 'notification_channels.create',
    method: 'post',
    path: collection,
    summary: 'Create a notification channel',
    description:
      'E-mail, a webhook or Slack. The signing secret of a webhook is shown once, in this answer; it signs as Standard Webhooks has it, with the headers webhook-id, webhook-timestamp and webhook-signature.',
    access: 'channels:write',
    json: channelSchema,
    replies: { 201: secretChannelSchema },
    problems: ['conflict'],
  },
  async ({ json }, ctx) => {
    const { row, confirmed, secret } = await createChannel(ctx, json)
    const { body, headers } = shown(row, confirmed, ctx.now())
    return { status: 201, body: { ...body, secret }, headers: { ...headers, Location: `${collection}/${row.id}` } }
  },
)

const get = route(
  {
    id: 'notification_channels.get',
    method: 'get',
    path: item,
    summary: 'One notification channel',
    access: 'channels:read',
    param: channelParam,
    replies: { 200: shownChannelSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => {
    const { row, confirmed } = await getChannel(ctx, param.id)
    return shown(row, confirmed, ctx.now())
  },
)

const common = { path: item, description: concurrency, access: 'channels:write', param: channelParam } as const

const replace = route(
  {
    ...common,
    id: 'notification_channels.replace',
    method: 'put',
    summary: 'Replace name and address of a notification channel',
    json: channelSchema,
    replies: { 200: shownChannelSchema },
    problems: ['not_found', 'conflict', 'precondition_failed'],
  },
  async ({ param, json }, ctx, c) => {
    const { row, confirmed } = await updateChannel(ctx, param.id, json, ifMatch(c))
    return shown(row, confirmed, ctx.now())
  },
)

const update = route(
  {
    ...common,
    id: 'notification_channels.update',
    method: 'patch',
    summary: 'Change name or address of a notification channel',
    json: patchChannelSchema,
    replies: { 200: shownChannelSchema },
    problems: ['not_found', 'conflict', 'precondition_failed'],
  },
  async ({ param, json }, ctx, c) => {
    const { row, confirmed } = await updateChannel(ctx, param.id, json, ifMatch(c))
    return shown(row, confirmed, ctx.now())
  },
)

const remove = route(
  {
    ...common,
    id: 'notification_channels.delete',
    method: 'delete',
    summary: 'Delete a notification channel for ever',
    description: `A channel that alert rules name is refused. ${concurrency}`,
    replies: { 204: emptyReply('The channel is gone') },
    problems: ['not_found', 'conflict', 'precondition_failed'],
  },
  async ({ param }, ctx, c) => {
    await deleteChannel(ctx, param.id, ifMatch(c))
    return { status: 204 }
  },
)

const test = route(
  {
    id: 'notification_channels.test',
    method: 'post',
    path: `${item}/test`,
    summary: 'Send a test notice now',
    description: 'Says what the other side answered. A channel can be tested ten times an hour.',
    access: 'channels:write',
    param: channelParam,
    replies: { 200: channelTestSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => ({ status: 200, body: await testChannel(ctx, param.id) }),
)

const rotate = route(
  {
    id: 'notification_channels.rotate_secret',
    method: 'post',
    path: `${item}/rotate-secret`,
    summary: 'Give a webhook a new signing secret',
    description: 'The new one is shown once, in this answer. For a day each webhook has both signatures.',
    access: 'channels:write',
    param: channelParam,
    replies: { 200: secretChannelSchema },
    problems: ['not_found', 'conflict', 'unprocessable'],
  },
  async ({ param }, ctx) => {
    const { row, confirmed, secret } = await rotateSecret(ctx, param.id)
    const { body, headers } = shown(row, confirmed, ctx.now())
    return { status: 200, body: { ...body, secret }, headers }
  },
)

const confirmEmail = route(
  {
    id: 'notification_channels.confirm_email',
    method: 'post',
    path: `${collection}/confirm-email`,
    summary: 'Agree to be written to by an organization',
    description: 'With the token of the mail that asked, which is good for seven days and once.',
    access: 'public',
    json: confirmEmailSchema,
    replies: { 204: emptyReply('Alerts and reports of the organization come from now on') },
    problems: ['invalid_one_time_token'],
  },
  async ({ json }, ctx) => {
    await confirmRecipient(ctx, json.token)
    return { status: 204 }
  },
)

export const channelRoutes = [list, create, confirmEmail, get, replace, update, remove, test, rotate]

function shown(row: ChannelRow, confirmed: ReadonlySet<string>, nowMs: number) {
  return { status: 200 as const, body: channelJson(row, confirmed, nowMs), headers: { ETag: versionOf(row) } }
}
