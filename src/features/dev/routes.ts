import type { Context } from 'hono'
import { problem } from '../../core/problems.ts'
import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { rawReply, route } from '../../http/route.ts'
import type { AppEnv } from '../../http/route.ts'
import { listOutbox, readOutboxHtml, readOutboxMail } from './outbox.ts'
import { listPreviews, previewHeaders, previewMail } from './preview.ts'
import { mailPreviewParam, mailPreviewQuery, outboxMailQuery, outboxPageSchema, outboxParam, outboxQuery } from './schema.ts'

const list = route(
  {
    id: 'outbox.list',
    method: 'get',
    path: '/dev/outbox',
    summary: 'Mails that would have been sent; only on a development machine',
    description: 'Newest first. Elsewhere there is nothing at this address.',
    access: 'public',
    query: outboxQuery,
    replies: { 200: outboxPageSchema },
    problems: ['not_found', 'cross_site'],
  },
  async ({ query }, ctx, c) => {
    refuseScripts(c)
    const { count, results } = await listOutbox(ctx, c.req.url, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const get = route(
  {
    id: 'outbox.get',
    method: 'get',
    path: '/dev/outbox/:id',
    summary: 'One mail of the outbox as it would have been sent',
    access: 'public',
    param: outboxParam,
    query: outboxMailQuery,
    replies: { 200: rawReply('text/plain', 'The mail (RFC 5322); with part=html its document, as text/html.') },
    problems: ['not_found', 'cross_site'],
  },
  async ({ param, query }, ctx, c) => {
    refuseScripts(c)
    if (query.part === 'html') return new Response(await readOutboxHtml(ctx, c.req.url, param.id), { headers: previewHeaders })
    return new Response(await readOutboxMail(ctx, c.req.url, param.id), { headers: { 'Content-Type': 'text/plain; charset=utf-8' } })
  },
)

const mails = route(
  {
    id: 'mail_previews.list',
    method: 'get',
    path: '/dev/mails',
    summary: 'A page with all kinds of mails; only on a development machine',
    description: 'Each leads to a sample of it. Elsewhere there is nothing at this address.',
    access: 'public',
    replies: { 200: rawReply('text/html', 'The page.') },
    problems: ['not_found'],
  },
  async (_, ctx, c) => new Response(listPreviews(ctx, c.req.url), { headers: previewHeaders }),
)

const mail = route(
  {
    id: 'mail_previews.get',
    method: 'get',
    path: '/dev/mails/:kind',
    summary: 'A page with one kind of mail as people see it, wide and narrow, and its text',
    access: 'public',
    param: mailPreviewParam,
    query: mailPreviewQuery,
    replies: { 200: rawReply('text/html', 'The page.') },
    problems: ['not_found'],
  },
  async ({ param, query }, ctx, c) =>
    new Response(previewMail(ctx, c.req.url, { kind: param.kind, sample: query.sample }), { headers: previewHeaders }),
)

/** A page that the developer happens to visit must not read the tokens of this machine: only scripts send an Origin with GET. */
function refuseScripts(c: Context<AppEnv>): void {
  if (c.req.header('Origin') !== undefined) throw problem('cross_site', 'Scripts of other sites may not read the outbox.')
}

export const devRoutes = [list, get, mails, mail]
