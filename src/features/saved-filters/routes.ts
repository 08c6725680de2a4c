import type { QueryChecks } from '../../core/query_checks.ts'
import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import type { Route } from '../../http/route.ts'
import { createSavedFilter } from './create.ts'
import { getSavedFilter } from './get.ts'
import { listSavedFilters } from './list.ts'
import { deleteSavedFilter } from './remove.ts'
import { listSavedFiltersQuery, savedFilterBodies, savedFilterPageSchema, savedFilterParam, savedFilterSchema } from './schema.ts'
import { updateSavedFilter } from './update.ts'

const collection = '/api/v1/saved-filters'
const item = `${collection}/:id`

/** A right over what is shared cannot stand in `access`: the verbs ask for it. */
const sharing =
  'What is shared, before or after, takes the permission saved_filters:share; a filter that another keeps private is not there.'

const list = route(
  {
    id: 'saved_filters.list',
    method: 'get',
    path: collection,
    summary: 'Own filters and those that are shared in the organization',
    access: 'saved_filters:read',
    query: listSavedFiltersQuery,
    replies: { 200: savedFilterPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listSavedFilters(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const get = route(
  {
    id: 'saved_filters.get',
    method: 'get',
    path: item,
    summary: 'One filter, own or shared',
    access: 'saved_filters:read',
    param: savedFilterParam,
    replies: { 200: savedFilterSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => ({ status: 200, body: await getSavedFilter(ctx, param.id) }),
)

const remove = route(
  {
    id: 'saved_filters.delete',
    method: 'delete',
    path: item,
    summary: 'Delete a filter for ever',
    description: sharing,
    access: 'saved_filters:write',
    param: savedFilterParam,
    replies: { 204: emptyReply('The filter is gone') },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => {
    await deleteSavedFilter(ctx, param.id)
    return { status: 204 }
  },
)

/** `checks` reads queries, which features know nothing of. */
export function savedFilterRoutes(checks: QueryChecks): Route[] {
  const bodies = savedFilterBodies(checks)

  const create = route(
    {
      id: 'saved_filters.create',
      method: 'post',
      path: collection,
      summary: 'Keep a filter',
      description: 'No two filters of a person have the same name. Sharing it takes the permission saved_filters:share.',
      access: 'saved_filters:write',
      json: bodies.create,
      replies: { 201: savedFilterSchema },
      problems: ['conflict'],
    },
    async ({ json }, ctx) => {
      const body = await createSavedFilter(ctx, json)
      return { status: 201, body, headers: { Location: `${collection}/${body.id}` } }
    },
  )

  const replies = { 200: savedFilterSchema } as const
  const change = { path: item, description: sharing, access: 'saved_filters:write', param: savedFilterParam, replies } as const

  const replace = route(
    {
      ...change,
      id: 'saved_filters.replace',
      method: 'put',
      summary: 'Replace a filter',
      json: bodies.create,
      problems: ['not_found', 'conflict', 'unprocessable'],
    },
    async ({ param, json }, ctx) => ({ status: 200, body: await updateSavedFilter(ctx, param.id, json) }),
  )

  const update = route(
    {
      ...change,
      id: 'saved_filters.update',
      method: 'patch',
      summary: 'Change parts of a filter; its definition is one part',
      json: bodies.update,
      problems: ['not_found', 'conflict', 'unprocessable'],
    },
    async ({ param, json }, ctx) => ({ status: 200, body: await updateSavedFilter(ctx, param.id, json) }),
  )

  return [list, create, get, replace, update, remove]
}
