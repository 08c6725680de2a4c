import { unsubscribeBodyBytesMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { formType, readBytes } from '../../http/body.ts'
import { rawReply, route } from '../../http/route.ts'
import { askPage, donePage, pageHeaders } from './page.ts'
import { unsubscribeQuery } from './schema.ts'
import { readUnsubscribeToken } from './token.ts'
import { unsubscribe } from './unsubscribe.ts'

const path = '/unsubscribe'

const ask = route(
  {
    id: 'unsubscribe.ask',
    method: 'get',
    path,
    summary: 'Page behind the link that ends mails',
    description: 'Changes nothing: its button does.',
    access: 'public',
    query: unsubscribeQuery,
    replies: { 200: rawReply('text/html', 'A page with a button.') },
    problems: ['invalid_one_time_token'],
  },
  async ({ query: { token } }, ctx) => new Response(askPage(readUnsubscribeToken(ctx, token), token), { headers: pageHeaders }),
)

const confirm = route(
  {
    id: 'unsubscribe.confirm',
    method: 'post',
    path,
    summary: 'End mails of one kind to one address',
    description: 'By the button of the page, or by the one click of a mail program (RFC 8058). Whoever has the link may.',
    access: 'public',
    // Mail programs in a browser ask for it from their own site; no cookie has a say in it.
    crossSite: true,
    query: unsubscribeQuery,
    body: { types: [formType, 'multipart/form-data'], bytesMax: unsubscribeBodyBytesMax },
    replies: { 200: rawReply('text/html', 'A page that says so.') },
    problems: ['invalid_one_time_token', 'payload_too_large'],
  },
  async ({ query: { token } }, ctx, c) => {
    const body = new TextDecoder().decode(await readBytes(c, unsubscribeBodyBytesMax))
    if (!/List-Unsubscribe\b[^]*One-Click/.test(body)) throw problem('validation_failed', 'The body must say List-Unsubscribe=One-Click.')
    return new Response(donePage(await unsubscribe(ctx, token)), { headers: pageHeaders })
  },
)

export const unsubscribeRoutes = [ask, confirm]
