import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { addTeamMember } from './add_member.ts'
import { changeTeamMember } from './change_member.ts'
import { listTeamMembers } from './list_members.ts'
import { removeTeamMember } from './remove_member.ts'
import {
  addTeamMemberSchema,
  changeTeamMemberSchema,
  listTeamMembersQuery,
  teamMemberPageSchema,
  teamMemberParam,
  teamMemberSchema,
  teamParam,
} from './schema.ts'

const collection = '/api/v1/teams/:id/members'
const item = `${collection}/:user_id`

/** A right over one team cannot stand in the table of permissions: the verb asks for it. */
const managed = 'Who manages teams may, and the managers of this team.'

const list = route(
  {
    id: 'team_members.list',
    method: 'get',
    path: collection,
    summary: 'Members of a team',
    access: 'teams:read',
    param: teamParam,
    query: listTeamMembersQuery,
    replies: { 200: teamMemberPageSchema },
    problems: ['not_found'],
  },
  async ({ param, query }, ctx, c) => {
    const { count, results } = await listTeamMembers(ctx, param.id, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const add = route(
  {
    id: 'team_members.create',
    method: 'post',
    path: collection,
    summary: 'Add a member of the organization to a team',
    description: managed,
    access: 'teams:read',
    param: teamParam,
    json: addTeamMemberSchema,
    replies: { 201: teamMemberSchema },
    problems: ['not_found', 'conflict', 'unprocessable'],
  },
  async ({ param, json }, ctx) => ({ status: 201, body: await addTeamMember(ctx, param.id, json) }),
)

const change = route(
  {
    id: 'team_members.update',
    method: 'patch',
    path: item,
    summary: 'Make a member of a team its manager, or no manager any more',
    description: managed,
    access: 'teams:read',
    param: teamMemberParam,
    json: changeTeamMemberSchema,
    replies: { 200: teamMemberSchema },
    problems: ['not_found', 'conflict'],
  },
  async ({ param, json }, ctx) => ({
    status: 200,
    body: await changeTeamMember(ctx, param.id, { userId: param.user_id, role: json.role }),
  }),
)

const remove = route(
  {
    id: 'team_members.delete',
    method: 'delete',
    path: item,
    summary: 'Take a member out of a team',
    description: `${managed} Everybody may leave a team.`,
    access: 'teams:read',
    param: teamMemberParam,
    replies: { 204: emptyReply('The user is not in the team any more') },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => {
    await removeTeamMember(ctx, param.id, param.user_id)
    return { status: 204 }
  },
)

export const teamMemberRoutes = [list, add, change, remove]
