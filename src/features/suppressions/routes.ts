import { mailEventBytesMax } from '../../core/limits.ts'
import { readBytes } from '../../http/body.ts'
import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { createSuppression } from './create.ts'
import { listSuppressions } from './list.ts'
import { recordSendgridEvents } from './record_events.ts'
import { removeSuppression } from './remove.ts'
import {
  createSuppressionSchema,
  listSuppressionsQuery,
  removeSuppressionQuery,
  suppressionPageSchema,
  suppressionSchema,
} from './schema.ts'

const collection = '/api/v1/mail-suppressions'

const list = route(
  {
    id: 'mail_suppressions.list',
    method: 'get',
    path: collection,
    summary: 'Addresses that are not written to',
    description: 'Newest first: missing mailboxes, complaints, addresses that unsubscribed, and what staff stopped.',
    access: 'staff',
    query: listSuppressionsQuery,
    replies: { 200: suppressionPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listSuppressions(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const create = route(
  {
    id: 'mail_suppressions.create',
    method: 'post',
    path: collection,
    summary: 'Stop mails to an address',
    description: 'With the scope `all` also those that people need, such as a new password. Replaces what stopped them before.',
    access: 'staff',
    json: createSuppressionSchema,
    replies: { 201: suppressionSchema },
    problems: [],
  },
  async ({ json }, ctx) => ({ status: 201, body: await createSuppression(ctx, json) }),
)

const remove = route(
  {
    id: 'mail_suppressions.delete',
    method: 'delete',
    path: collection,
    summary: 'Let mails to an address through again',
    access: 'staff',
    query: removeSuppressionQuery,
    replies: { 204: emptyReply('They are sent from now on.') },
    problems: ['not_found'],
  },
  async ({ query }, ctx) => {
    await removeSuppression(ctx, query)
    return { status: 204 }
  },
)

const sendgrid = route(
  {
    id: 'mail_events.sendgrid',
    method: 'post',
    path: '/api/v1/mail-events/sendgrid',
    summary: 'Event webhook of SendGrid',
    description:
      'Signed by SendGrid with the key whose public half is SENDGRID_WEBHOOK_KEY; without one there is nothing at this address. ' +
      'Bounces, drops, spam reports and unsubscriptions end up in the list of addresses that are not written to.',
    access: 'public',
    body: { types: ['application/json'], bytesMax: mailEventBytesMax },
    replies: { 204: emptyReply('Taken in.') },
    problems: ['not_found', 'forbidden', 'payload_too_large'],
  },
  async (_, ctx, c) => {
    await recordSendgridEvents(ctx, {
      signature: c.req.header('X-Twilio-Email-Event-Webhook-Signature'),
      timestamp: c.req.header('X-Twilio-Email-Event-Webhook-Timestamp'),
      body: await readBytes(c, mailEventBytesMax),
    })
    return { status: 204 }
  },
)

export const suppressionRoutes = [list, create, remove, sendgrid]
