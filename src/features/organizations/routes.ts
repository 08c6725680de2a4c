import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { createOrganization } from './create.ts'
import { getOrganization } from './get.ts'
import { listOrganizations } from './list.ts'
import { removeOrganization } from './remove.ts'
import { restoreOrganization } from './restore.ts'
import {
  createOrganizationSchema,
  listOrganizationsQuery,
  organizationPageSchema,
  organizationParam,
  organizationSchema,
  patchOrganizationSchema,
  putOrganizationSchema,
  transferOrganizationSchema,
} from './schema.ts'
import { transferOrganization } from './transfer.ts'
import { updateOrganization } from './update.ts'

const collection = '/api/v1/organizations'
const item = `${collection}/:id`

const list = route(
  {
    id: 'organizations.list',
    method: 'get',
    path: collection,
    summary: 'Organizations of the caller',
    description: `Those that the caller is a member of, all of an account that the caller has a role in, and for staff all there are.`,
    access: 'session',
    query: listOrganizationsQuery,
    replies: { 200: organizationPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listOrganizations(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const create = route(
  {
    id: 'organizations.create',
    method: 'post',
    path: collection,
    summary: 'Create an organization in the own account',
    description: 'The caller becomes its owner.',
    access: 'organizations:create',
    json: createOrganizationSchema,
    replies: { 201: organizationSchema },
    problems: ['conflict'],
  },
  async ({ json }, ctx) => {
    const body = await createOrganization(ctx, json)
    return { status: 201, body, headers: { Location: `${collection}/${body.id}` } }
  },
)

const get = route(
  {
    id: 'organizations.get',
    method: 'get',
    path: item,
    summary: 'One organization',
    access: 'organization:read',
    tenant: 'path',
    param: organizationParam,
    replies: { 200: organizationSchema },
    problems: ['not_found'],
  },
  async (_, ctx) => ({ status: 200, body: await getOrganization(ctx) }),
)

const replace = route(
  {
    id: 'organizations.replace',
    method: 'put',
    path: item,
    summary: 'Change an organization',
    description:
      'To require no second factor any more, or to keep the audit log for fewer days, takes a password proved lately. ' +
      'Retention of logs has an address of its own, /logs/retention.',
    access: 'organization:write',
    tenant: 'path',
    param: organizationParam,
    json: putOrganizationSchema,
    replies: { 200: organizationSchema },
    problems: ['not_found', 'conflict', 'second_factor_required', 'reauthentication_required'],
  },
  async ({ json }, ctx) => ({ status: 200, body: await updateOrganization(ctx, json) }),
)

const update = route(
  {
    id: 'organizations.update',
    method: 'patch',
    path: item,
    summary: 'Change some fields of an organization',
    description: 'To require no second factor any more, or to keep the audit log for fewer days, takes a password proved lately.',
    access: 'organization:write',
    tenant: 'path',
    param: organizationParam,
    json: patchOrganizationSchema,
    replies: { 200: organizationSchema },
    problems: ['not_found', 'conflict', 'second_factor_required', 'reauthentication_required'],
  },
  async ({ json }, ctx) => ({ status: 200, body: await updateOrganization(ctx, json) }),
)

const remove = route(
  {
    id: 'organizations.delete',
    method: 'delete',
    path: item,
    summary: 'Delete an organization',
    description: `It is gone for everybody at once, API keys stop within 60 seconds everywhere, and its owners get a mail. It can be restored for 30 days;
then it is removed for ever with its logs and all else that it has.`,
    access: 'organization:delete',
    tenant: 'path',
    stepUp: true,
    param: organizationParam,
    replies: { 204: emptyReply('The organization is deleted') },
    problems: ['not_found'],
  },
  async (_, ctx) => {
    await removeOrganization(ctx)
    return { status: 204 }
  },
)

const restore = route(
  {
    id: 'organizations.restore',
    method: 'post',
    path: `${item}/restore`,
    summary: 'Restore a deleted organization',
    description:
      'For 30 days after it was deleted, with its logs, members, keys and all else. If its owners are gone, who manages the account owns it.',
    access: 'organization:delete',
    tenant: 'deleted',
    stepUp: true,
    param: organizationParam,
    replies: { 200: organizationSchema },
    problems: ['not_found', 'conflict', 'last_owner'],
  },
  async (_, ctx) => ({ status: 200, body: await restoreOrganization(ctx) }),
)

const transfer = route(
  {
    id: 'organizations.transfer',
    method: 'post',
    path: `${item}/transfer`,
    summary: 'Hand the ownership of an organization over',
    description: `To another member. The caller becomes admin, and both get a mail; when staff does it, all former owners become admins.`,
    access: 'organization:transfer',
    tenant: 'path',
    stepUp: true,
    param: organizationParam,
    json: transferOrganizationSchema,
    replies: { 200: organizationSchema },
    problems: ['not_found', 'conflict', 'unprocessable'],
  },
  async ({ json }, ctx) => ({ status: 200, body: await transferOrganization(ctx, json.user_id) }),
)

export const organizationRoutes = [list, create, get, replace, update, remove, restore, transfer]
