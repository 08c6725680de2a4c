import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { getAccountMember } from './member.ts'
import { listAccountMembers } from './members.ts'
import { leaveAccount, removeAccountMember } from './remove_member.ts'
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
import { changeAccountMember, setAccountMember } from './set_member.ts'
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

const get = route(
  {
    id: 'account_members.get',
    method: 'get',
    path: item,
    summary: 'One who manages an account',
    access: 'account:read',
    tenant: 'path',
    param: accountMemberParam,
    replies: { 200: accountMemberSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => ({ status: 200, body: await getAccountMember(ctx, param.user_id) }),
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
    replies: { 200: accountMemberSchema, 201: accountMemberSchema },
    problems: ['not_found', 'last_owner', 'conflict'],
  },
  async ({ param, json }, ctx) => {
    const { member, isNew } = await setAccountMember(ctx, { userId: param.user_id, role: json.role })
    if (!isNew) return { status: 200, body: member }
    return { status: 201, body: member, headers: { Location: `/api/v1/accounts/${ctx.account.id}/members/${member.user_id}` } }
  },
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
    body: await changeAccountMember(ctx, { userId: param.user_id, role: json.role }),
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

const leave = route(
  {
    id: 'account_members.leave',
    method: 'post',
    path: `${account}/leave`,
    summary: 'Give up the own role in an account',
    description:
      'The caller stays a user of it, and a member of organizations. Everybody with a role may, but for the last owner (409 last_owner).',
    access: 'account:read',
    tenant: 'path',
    stepUp: true,
    param: accountParam,
    replies: { 204: emptyReply('You have no role in the account any more') },
    problems: ['not_found', 'last_owner', 'conflict'],
  },
  async (_, ctx) => {
    await leaveAccount(ctx)
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

export const accountMemberRoutes = [list, get, put, update, remove, leave, transfer]
