import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { createSilence, silenceRule } from './create.ts'
import { listSilences } from './list.ts'
import { deleteSilence } from './remove.ts'
import {
  createSilenceBody,
  listSilencesQuery,
  silencePageSchema,
  silenceParam,
  silenceRuleBody,
  silenceSchema,
  updateSilenceBody,
} from './schema.ts'
import { findSilence, silenceJson } from './silence.ts'
import { updateSilence } from './update.ts'

const collection = '/api/v1/silences'
const item = `${collection}/:id`

const list = route(
  {
    id: 'silences.list',
    method: 'get',
    path: collection,
    summary: 'Silences and maintenance windows, and which hold now',
    access: 'alerts:read',
    query: listSilencesQuery,
    replies: { 200: silencePageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listSilences(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const create = route(
  {
    id: 'silences.create',
    method: 'post',
    path: collection,
    summary: 'Silence a rule or all, once or again and again',
    description:
      'Silenced rules are evaluated and keep their history; nobody is told. A window that recurs holds for duration_minutes from each time that the cron expression names in its time zone. A time of day that the clock skips stands for the moment of the change; one that comes twice counts the first time.',
    access: 'alerts:write',
    json: createSilenceBody,
    replies: { 201: silenceSchema },
    problems: ['conflict'],
  },
  async ({ json }, ctx) => {
    const row = await createSilence(ctx, json)
    return { status: 201, body: silenceJson(row, ctx.now()), headers: { Location: `${collection}/${row.id}` } }
  },
)

const createForRule = route(
  {
    id: 'alerts.silence',
    method: 'post',
    path: '/api/v1/alerts/:id/silence',
    summary: 'Silence a rule from now on',
    access: 'alerts:write',
    param: silenceParam,
    json: silenceRuleBody,
    replies: { 201: silenceSchema },
    problems: ['not_found', 'conflict'],
  },
  async ({ param, json }, ctx) => {
    const row = await silenceRule(ctx, param.id, json)
    return { status: 201, body: silenceJson(row, ctx.now()), headers: { Location: `${collection}/${row.id}` } }
  },
)

const get = route(
  {
    id: 'silences.get',
    method: 'get',
    path: item,
    summary: 'One silence',
    access: 'alerts:read',
    param: silenceParam,
    replies: { 200: silenceSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => ({ status: 200, body: silenceJson(await findSilence(ctx, param.id), ctx.now()) }),
)

const update = route(
  {
    id: 'silences.update',
    method: 'patch',
    path: item,
    summary: 'Change the times or the comment of a silence',
    description: 'One whose `ends_at` has passed is over.',
    access: 'alerts:write',
    param: silenceParam,
    json: updateSilenceBody,
    replies: { 200: silenceSchema },
    problems: ['not_found', 'conflict'],
  },
  async ({ param, json }, ctx) => ({ status: 200, body: silenceJson(await updateSilence(ctx, param.id, json), ctx.now()) }),
)

const remove = route(
  {
    id: 'silences.delete',
    method: 'delete',
    path: item,
    summary: 'End a silence and forget it',
    access: 'alerts:write',
    param: silenceParam,
    replies: { 204: emptyReply('The silence is gone') },
    problems: ['not_found', 'conflict'],
  },
  async ({ param }, ctx) => {
    await deleteSilence(ctx, param.id)
    return { status: 204 }
  },
)

export const silenceRoutes = [list, create, createForRule, get, update, remove]
