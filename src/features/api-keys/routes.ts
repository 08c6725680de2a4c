import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { createApiKey } from './create.ts'
import { getApiKey } from './get.ts'
import { listApiKeys } from './list.ts'
import { revokeApiKey } from './revoke.ts'
import { rotateApiKey } from './rotate.ts'
import {
  apiKeyPageSchema,
  apiKeyParam,
  apiKeySchema,
  createApiKeySchema,
  createdApiKeySchema,
  listApiKeysQuery,
  patchApiKeySchema,
  rotateApiKeySchema,
} from './schema.ts'
import { updateApiKey } from './update.ts'

const collection = '/api/v1/api-keys'
const item = `${collection}/:id`

const list = route(
  {
    id: 'api_keys.list',
    method: 'get',
    path: collection,
    summary: 'API keys of the organization',
    access: 'api_keys:read',
    query: listApiKeysQuery,
    replies: { 200: apiKeyPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listApiKeys(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const create = route(
  {
    id: 'api_keys.create',
    method: 'post',
    path: collection,
    summary: 'Create an API key',
    description:
      'The key is shown once, in this answer. Kinds: ingest writes logs, query reads them, admin does both and edits; no key can make keys.',
    access: 'api_keys:write',
    stepUp: true,
    json: createApiKeySchema,
    replies: { 201: createdApiKeySchema },
    problems: ['conflict'],
  },
  async ({ json }, ctx) => {
    const body = await createApiKey(ctx, json)
    return { status: 201, body, headers: { Location: `${collection}/${body.id}` } }
  },
)

const get = route(
  {
    id: 'api_keys.get',
    method: 'get',
    path: item,
    summary: 'One API key',
    access: 'api_keys:read',
    param: apiKeyParam,
    replies: { 200: apiKeySchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => ({ status: 200, body: await getApiKey(ctx, param.id) }),
)

const update = route(
  {
    id: 'api_keys.update',
    method: 'patch',
    path: item,
    summary: 'Change an API key',
    description:
      'Name, scopes within its kind, end and own rate limit. It holds at once where this was answered, and within 60 seconds everywhere.',
    access: 'api_keys:write',
    stepUp: true,
    param: apiKeyParam,
    json: patchApiKeySchema,
    replies: { 200: apiKeySchema },
    problems: ['not_found', 'conflict'],
  },
  async ({ param, json }, ctx) => ({ status: 200, body: await updateApiKey(ctx, param.id, json) }),
)

const rotate = route(
  {
    id: 'api_keys.rotate',
    method: 'post',
    path: `${item}/rotate`,
    summary: 'Give an API key a new value',
    description:
      'The new value is shown once, in this answer. The old one works for the grace that is asked for, at most seven days; with 0 it stops as a revoked key does.',
    access: 'api_keys:write',
    stepUp: true,
    param: apiKeyParam,
    json: rotateApiKeySchema,
    replies: { 200: createdApiKeySchema },
    problems: ['not_found', 'conflict', 'unprocessable'],
  },
  async ({ param, json }, ctx) => ({ status: 200, body: await rotateApiKey(ctx, param.id, json) }),
)

const revoke = route(
  {
    id: 'api_keys.delete',
    method: 'delete',
    path: item,
    summary: 'Revoke an API key',
    description: 'It stops at once where this was answered, and within 60 seconds everywhere.',
    access: 'api_keys:write',
    stepUp: true,
    param: apiKeyParam,
    replies: { 204: emptyReply('The key is revoked') },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => {
    await revokeApiKey(ctx, param.id)
    return { status: 204 }
  },
)

export const apiKeyRoutes = [list, create, get, update, rotate, revoke]
