import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { createTeam } from './create.ts'
import { getTeam } from './get.ts'
import { listTeams } from './list.ts'
import { deleteTeam } from './remove.ts'
import { restoreTeam } from './restore.ts'
import { createTeamSchema, listTeamsQuery, patchTeamSchema, replaceTeamSchema, teamPageSchema, teamParam, teamSchema } from './schema.ts'
import { updateTeam } from './update.ts'

const collection = '/api/v1/teams'
const item = `${collection}/:id`

const list = route(
  {
    id: 'teams.list',
    method: 'get',
    path: collection,
    summary: 'Teams of the organization',
    access: 'teams:read',
    query: listTeamsQuery,
    replies: { 200: teamPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listTeams(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const create = route(
  {
    id: 'teams.create',
    method: 'post',
    path: collection,
    summary: 'Create a team',
    description: 'No two teams of an organization have the same name, whatever its case.',
    access: 'teams:write',
    json: createTeamSchema,
    replies: { 201: teamSchema },
    problems: ['conflict'],
  },
  async ({ json }, ctx) => {
    const body = await createTeam(ctx, json)
    return { status: 201, body, headers: { Location: `${collection}/${body.id}` } }
  },
)

const get = route(
  {
    id: 'teams.get',
    method: 'get',
    path: item,
    summary: 'One team',
    access: 'teams:read',
    param: teamParam,
    replies: { 200: teamSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => ({ status: 200, body: await getTeam(ctx, param.id) }),
)

/** A right over one team cannot stand in the table of permissions: the verb asks for it. */
const managed = 'Who manages teams may, and the managers of this team.'

const update = route(
  {
    id: 'teams.update',
    method: 'patch',
    path: item,
    summary: 'Change a team',
    description: managed,
    access: 'teams:read',
    param: teamParam,
    json: patchTeamSchema,
    replies: { 200: teamSchema },
    problems: ['not_found', 'conflict'],
  },
  async ({ param, json }, ctx) => ({ status: 200, body: await updateTeam(ctx, param.id, json) }),
)

const replace = route(
  {
    id: 'teams.replace',
    method: 'put',
    path: item,
    summary: 'Replace what a team says of itself',
    description: managed,
    access: 'teams:read',
    param: teamParam,
    json: replaceTeamSchema,
    replies: { 200: teamSchema },
    problems: ['not_found', 'conflict'],
  },
  async ({ param, json }, ctx) => ({ status: 200, body: await updateTeam(ctx, param.id, json) }),
)

const remove = route(
  {
    id: 'teams.delete',
    method: 'delete',
    path: item,
    summary: 'Delete a team',
    description: 'It can be restored for 30 days.',
    access: 'teams:write',
    param: teamParam,
    replies: { 204: emptyReply('The team is deleted') },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => {
    await deleteTeam(ctx, param.id)
    return { status: 204 }
  },
)

const restore = route(
  {
    id: 'teams.restore',
    method: 'post',
    path: `${item}/restore`,
    summary: 'Restore a deleted team',
    description: 'With its members. 409 where another team has taken its name.',
    access: 'teams:write',
    param: teamParam,
    replies: { 200: teamSchema },
    problems: ['not_found', 'conflict'],
  },
  async ({ param }, ctx) => ({ status: 200, body: await restoreTeam(ctx, param.id) }),
)

export const teamRoutes = [list, create, get, update, replace, remove, restore]
