import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { createApiKey } from './create.ts'
import { getApiKey } from './get.ts'
import { listApiKeys } from './list.ts'
import { renameApiKey } from './rename.ts'
import { revokeApiKey } from './revoke.ts'
import {
  apiKeyPageSchema,
  apiKeyParam,
  apiKeySchema,
  createApiKeySchema,
  createdApiKeySchema,
  listApiKeysQuery,
  patchApiKeySchema,
} from './schema.ts'

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

const rename = route(
  {
    id: 'api_keys.rename',
    method: 'patch',
    path: item,
    summary: 'Rename an API key',
    access: 'api_keys:write',
    param: apiKeyParam,
    json: patchApiKeySchema,
    replies: { 200: apiKeySchema },
    problems: ['not_found'],
  },
  async ({ param, json }, ctx) => ({ status: 200, body: await renameApiKey(ctx, { id: param.id, name: json.name }) }),
)

const revoke = route(
  {
    id: 'api_keys.revoke',
    method: 'delete',
    path: item,
    summary: 'Revoke an API key',
    description: 'It stops at once where this was answered, and within 60 seconds everywhere.',
    access: 'api_keys:write',
    param: apiKeyParam,
    replies: { 204: emptyReply('The key is revoked') },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => {
    await revokeApiKey(ctx, param.id)
    return { status: 204 }
  },
)

export const apiKeyRoutes = [list, create, get, rename, revoke]
