import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { changeMemberRole } from './change_role.ts'
import { getMember } from './get.ts'
import { listMembers } from './list.ts'
import { leaveOrganization, removeMember } from './remove.ts'
import { changeMemberSchema, listMembersQuery, memberPageSchema, memberParam, memberSchema, organizationParam } from './schema.ts'

const organization = '/api/v1/organizations/:id'
const collection = `${organization}/members`
const item = `${collection}/:user_id`

const list = route(
  {
    id: 'members.list',
    method: 'get',
    path: collection,
    summary: 'Members of an organization',
    access: 'members:read',
    tenant: 'path',
    param: organizationParam,
    query: listMembersQuery,
    replies: { 200: memberPageSchema },
    problems: ['not_found'],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listMembers(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const get = route(
  {
    id: 'members.get',
    method: 'get',
    path: item,
    summary: 'One member',
    access: 'members:read',
    tenant: 'path',
    param: memberParam,
    replies: { 200: memberSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => ({ status: 200, body: await getMember(ctx, param.user_id) }),
)

const changeSpec = {
  path: item,
  summary: 'Give a member another role',
  description:
    'It counts from the next request of the member on. Only owners, managers of the account and staff make and unmake owners; ' +
    'what concerns an owner or admin takes a password proved lately (403 reauthentication_required); ' +
    'nobody raises the own role; the last owner stays owner (409 last_owner).',
  access: 'members:write',
  tenant: 'path',
  param: memberParam,
  json: changeMemberSchema,
  replies: { 200: memberSchema },
  problems: ['not_found', 'last_owner', 'conflict', 'reauthentication_required'],
} as const

const change = route({ id: 'members.update', method: 'patch', ...changeSpec }, async ({ param, json }, ctx) => ({
  status: 200,
  body: await changeMemberRole(ctx, { userId: param.user_id, role: json.role }),
}))

const replace = route({ id: 'members.replace', method: 'put', ...changeSpec }, async ({ param, json }, ctx) => ({
  status: 200,
  body: await changeMemberRole(ctx, { userId: param.user_id, role: json.role }),
}))

const remove = route(
  {
    id: 'members.delete',
    method: 'delete',
    path: item,
    summary: 'Remove a member',
    description:
      'The member also leaves the teams of the organization; live tails and open invitations of the member end, sessions go on. ' +
      'The last owner cannot be removed (409 last_owner), and to remove an owner or admin takes a password proved lately.',
    access: 'members:write',
    tenant: 'path',
    param: memberParam,
    replies: { 204: emptyReply('The user is no member any more') },
    problems: ['not_found', 'last_owner', 'conflict', 'reauthentication_required'],
  },
  async ({ param }, ctx) => {
    await removeMember(ctx, param.user_id)
    return { status: 204 }
  },
)

const leave = route(
  {
    id: 'members.leave',
    method: 'post',
    path: `${organization}/leave`,
    summary: 'Leave an organization',
    description: 'Every member may, but for the last owner (409 last_owner).',
    access: 'members:read',
    tenant: 'path',
    param: organizationParam,
    replies: { 204: emptyReply('You are no member any more') },
    problems: ['not_found', 'last_owner', 'conflict'],
  },
  async (_, ctx) => {
    await leaveOrganization(ctx)
    return { status: 204 }
  },
)

export const memberRoutes = [list, get, change, replace, remove, leave]
