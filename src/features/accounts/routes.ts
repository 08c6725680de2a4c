import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { createAccount } from './create.ts'
import { getAccount } from './get.ts'
import { listAccounts } from './list.ts'
import { accountMemberRoutes } from './member_routes.ts'
import { removeAccount } from './remove.ts'
import { restoreAccount } from './restore.ts'
import {
  accountPageSchema,
  accountParam,
  accountSchema,
  accountUsageQuery,
  accountUsageSchema,
  createAccountSchema,
  listAccountsQuery,
  patchAccountSchema,
  putAccountSchema,
} from './schema.ts'
import { updateAccount } from './update.ts'
import { accountUsage } from './usage.ts'

const collection = '/api/v1/accounts'
const item = `${collection}/:id`

const list = route(
  {
    id: 'accounts.list',
    method: 'get',
    path: collection,
    summary: 'The account of the caller',
    description: 'For staff, all accounts.',
    access: 'session',
    query: listAccountsQuery,
    replies: { 200: accountPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listAccounts(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const create = route(
  {
    id: 'accounts.create',
    method: 'post',
    path: collection,
    summary: 'Create an account, as staff',
    description: 'With its owner, a new user who gets a mail to choose a password. Everybody else gets an account by registering.',
    access: 'staff',
    stepUp: true,
    json: createAccountSchema,
    replies: { 201: accountSchema },
    problems: ['conflict'],
  },
  async ({ json }, ctx) => {
    const body = await createAccount(ctx, json)
    return { status: 201, body, headers: { Location: `${collection}/${body.id}` } }
  },
)

const get = route(
  {
    id: 'accounts.get',
    method: 'get',
    path: item,
    summary: 'One account',
    access: 'account:read',
    tenant: 'path',
    param: accountParam,
    replies: { 200: accountSchema },
    problems: ['not_found'],
  },
  async (_, ctx) => ({ status: 200, body: await getAccount(ctx) }),
)

const replace = route(
  {
    id: 'accounts.replace',
    method: 'put',
    path: item,
    summary: 'Rename an account',
    access: 'account:write',
    tenant: 'path',
    param: accountParam,
    json: putAccountSchema,
    replies: { 200: accountSchema },
    problems: ['not_found', 'conflict'],
  },
  async ({ json }, ctx) => ({ status: 200, body: await updateAccount(ctx, json) }),
)

const update = route(
  {
    id: 'accounts.update',
    method: 'patch',
    path: item,
    summary: 'Change some fields of an account',
    access: 'account:write',
    tenant: 'path',
    param: accountParam,
    json: patchAccountSchema,
    replies: { 200: accountSchema },
    problems: ['not_found', 'conflict'],
  },
  async ({ json }, ctx) => ({ status: 200, body: await updateAccount(ctx, json) }),
)

const remove = route(
  {
    id: 'accounts.delete',
    method: 'delete',
    path: item,
    summary: 'Delete an account with all its organizations',
    description: `They are gone for everybody at once, and can be restored for 30 days; then they are removed for ever, with the account's users.
Users can log in until then: an owner to restore it, others for organizations of other accounts.`,
    access: 'account:delete',
    tenant: 'path',
    stepUp: true,
    param: accountParam,
    replies: { 204: emptyReply('The account is deleted') },
    problems: ['not_found'],
  },
  async (_, ctx) => {
    await removeAccount(ctx)
    return { status: 204 }
  },
)

const restore = route(
  {
    id: 'accounts.restore',
    method: 'post',
    path: `${item}/restore`,
    summary: 'Restore a deleted account',
    description:
      'For 30 days after it was deleted, with those of its organizations that were not deleted by themselves. Those whose owners are gone ' +
      'are given to an owner of the account.',
    access: 'account:delete',
    tenant: 'deleted',
    stepUp: true,
    param: accountParam,
    replies: { 200: accountSchema },
    problems: ['not_found', 'conflict', 'last_owner'],
  },
  async (_, ctx) => ({ status: 200, body: await restoreAccount(ctx) }),
)

const usage = route(
  {
    id: 'accounts.usage',
    method: 'get',
    path: `${item}/usage`,
    summary: 'What the organizations of an account sent, by day and by organization',
    description:
      'As a schedule writes it down each hour. GET /logs/usage tells what one organization sent until now, with sources and rejections.',
    access: 'account:read',
    tenant: 'path',
    param: accountParam,
    query: accountUsageQuery,
    replies: { 200: accountUsageSchema },
    problems: ['not_found'],
  },
  async ({ query }, ctx) => ({ status: 200, body: await accountUsage(ctx, query) }),
)

export const accountRoutes = [list, create, get, replace, update, remove, restore, usage, ...accountMemberRoutes]
