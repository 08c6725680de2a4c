import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { listAccountMembers } from './members.ts'
import { removeAccountMember } from './remove_member.ts'
import {
  accountMemberPageSchema,
  accountMemberParam,
  accountMemberSchema,
  accountParam,
  accountRoleSchema,
  accountSchema,
  listAccountMembersQuery,
  transferAccountSchema,
} from './schema.ts'
import { setAccountMember } from './set_member.ts'
import { transferAccount } from './transfer.ts'

const account = '/api/v1/accounts/:id'
const collection = `${account}/members`
const item = `${collection}/:user_id`

const list = route(
  {
    id: 'account_members.list',
    method: 'get',
    path: collection,
    summary: 'Who manages an account',
    access: 'account:read',
    tenant: 'path',
    param: accountParam,
    query: listAccountMembersQuery,
    replies: { 200: accountMemberPageSchema },
    problems: ['not_found'],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listAccountMembers(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const put = route(
  {
    id: 'account_members.replace',
    method: 'put',
    path: item,
    summary: 'Give a user of the account a role in it',
    description: 'Or another role. The last owner stays owner. The user gets a mail.',
    access: 'account:members',
    tenant: 'path',
    stepUp: true,
    param: accountMemberParam,
    json: accountRoleSchema,
    replies: { 200: accountMemberSchema },
    problems: ['not_found', 'last_owner', 'conflict'],
  },
  async ({ param, json }, ctx) => ({
    status: 200,
    body: await setAccountMember(ctx, { userId: param.user_id, role: json.role, mayBeNew: true }),
  }),
)

const update = route(
  {
    id: 'account_members.update',
    method: 'patch',
    path: item,
    summary: 'Change the role of somebody who has one',
    access: 'account:members',
    tenant: 'path',
    stepUp: true,
    param: accountMemberParam,
    json: accountRoleSchema,
    replies: { 200: accountMemberSchema },
    problems: ['not_found', 'last_owner', 'conflict'],
  },
  async ({ param, json }, ctx) => ({
    status: 200,
    body: await setAccountMember(ctx, { userId: param.user_id, role: json.role, mayBeNew: false }),
  }),
)

const remove = route(
  {
    id: 'account_members.delete',
    method: 'delete',
    path: item,
    summary: 'Take the role of a user in the account',
    description: 'The user stays one of the account. The last owner stays owner.',
    access: 'account:members',
    tenant: 'path',
    stepUp: true,
    param: accountMemberParam,
    replies: { 204: emptyReply('The role is taken') },
    problems: ['not_found', 'last_owner', 'conflict'],
  },
  async ({ param }, ctx) => {
    await removeAccountMember(ctx, param.user_id)
    return { status: 204 }
  },
)

const transfer = route(
  {
    id: 'accounts.transfer',
    method: 'post',
    path: `${account}/transfer`,
    summary: 'Hand an account over',
    description:
      'To another user of it. The caller becomes admin, and both get a mail; when staff does it, all former owners become admins.',
    access: 'account:members',
    tenant: 'path',
    stepUp: true,
    param: accountParam,
    json: transferAccountSchema,
    replies: { 200: accountSchema },
    problems: ['not_found', 'conflict', 'unprocessable'],
  },
  async ({ json }, ctx) => ({ status: 200, body: await transferAccount(ctx, json.user_id) }),
)

export const accountMemberRoutes = [list, put, update, remove, transfer]
