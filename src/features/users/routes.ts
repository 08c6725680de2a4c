import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { createUser } from './create.ts'
import { getUser } from './get.ts'
import { listUsers } from './list.ts'
import { removeUser } from './remove.ts'
import { restoreUser } from './restore.ts'
import {
  createUserQuery,
  createUserSchema,
  listUsersQuery,
  patchUserSchema,
  replaceUserSchema,
  userPageSchema,
  userParam,
  userSchema,
} from './schema.ts'
import { updateUser } from './update.ts'

const collection = '/api/v1/users'
const item = `${collection}/:id`

const list = route(
  {
    id: 'users.list',
    method: 'get',
    path: collection,
    summary: 'Users of the account',
    access: 'users:read',
    query: listUsersQuery,
    replies: { 200: userPageSchema },
    problems: ['not_found'],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listUsers(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const create = route(
  {
    id: 'users.create',
    method: 'post',
    path: collection,
    summary: 'Create a user of the account',
    description:
      'The user gets a mail and chooses a password there; invitations make members of organizations. An e-mail that somebody has is ' +
      'refused (409), so this tells whether somebody has it: invite its owner instead. An hour takes 30 users of one person, 60 from ' +
      'one address, 5 mails to one e-mail and 100 of one account: then 429 with Retry-After.',
    access: 'users:write',
    stepUp: true,
    query: createUserQuery,
    json: createUserSchema,
    replies: { 201: userSchema },
    problems: ['not_found', 'conflict', 'rate_limited'],
  },
  async ({ json, query }, ctx) => {
    const body = await createUser(ctx, json, query)
    return { status: 201, body, headers: { Location: `${collection}/${body.id}` } }
  },
)

const get = route(
  {
    id: 'users.get',
    method: 'get',
    path: item,
    summary: 'One user of the account',
    access: 'users:read',
    param: userParam,
    replies: { 200: userSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => ({ status: 200, body: await getUser(ctx, param.id) }),
)

const replace = route(
  {
    id: 'users.replace',
    method: 'put',
    path: item,
    summary: 'Replace the profile of a user',
    description: 'E-mail, password and rights are not part of it.',
    access: 'users:write',
    param: userParam,
    json: replaceUserSchema,
    replies: { 200: userSchema },
    problems: ['not_found', 'conflict'],
  },
  async ({ param, json }, ctx) => ({ status: 200, body: await updateUser(ctx, param.id, json) }),
)

const update = route(
  {
    id: 'users.update',
    method: 'patch',
    path: item,
    summary: 'Change the profile of a user',
    description: 'E-mail, password and rights are not part of it.',
    access: 'users:write',
    param: userParam,
    json: patchUserSchema,
    replies: { 200: userSchema },
    problems: ['not_found', 'conflict'],
  },
  async ({ param, json }, ctx) => ({ status: 200, body: await updateUser(ctx, param.id, json) }),
)

const remove = route(
  {
    id: 'users.delete',
    method: 'delete',
    path: item,
    summary: 'Delete a user',
    description:
      'All sessions end at once. The user can be restored for 30 days; one who never chose a password cannot, and the e-mail is free ' +
      'again. A member of organizations of other accounts is not deleted, but leaves this account and its organizations, and goes on ' +
      'with an account of the own. Who is the last owner of an organization or account stays (409 last_owner); who manages the ' +
      'account is deleted by its owners only.',
    access: 'users:write',
    stepUp: true,
    param: userParam,
    replies: { 204: emptyReply('The user is deleted') },
    problems: ['not_found', 'last_owner', 'conflict'],
  },
  async ({ param }, ctx) => {
    await removeUser(ctx, param.id)
    return { status: 204 }
  },
)

const restore = route(
  {
    id: 'users.restore',
    method: 'post',
    path: `${item}/restore`,
    summary: 'Restore a deleted user',
    description: 'Within 30 days, with what was deleted along. Sessions stay ended.',
    access: 'users:write',
    stepUp: true,
    param: userParam,
    replies: { 200: userSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => ({ status: 200, body: await restoreUser(ctx, param.id) }),
)

export const userRoutes = [list, create, get, replace, update, remove, restore]
