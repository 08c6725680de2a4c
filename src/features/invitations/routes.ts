import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { acceptInvitation } from './accept.ts'
import { invite } from './create.ts'
import { getInvitation } from './get.ts'
import { listInvitations } from './list.ts'
import { previewInvitation } from './preview.ts'
import { registerByInvitation } from './register.ts'
import { resendInvitation } from './resend.ts'
import { revokeInvitation } from './revoke.ts'
import {
  acceptedInvitationSchema,
  acceptInvitationSchema,
  invitationPageSchema,
  invitationParam,
  invitationPreviewSchema,
  invitationSchema,
  invitationsParam,
  inviteSchema,
  listInvitationsQuery,
  previewInvitationSchema,
  registerByInvitationSchema,
} from './schema.ts'

const collection = '/api/v1/organizations/:id/invitations'
const item = `${collection}/:invitation_id`
const byToken = '/api/v1/invitations'

const list = route(
  {
    id: 'invitations.list',
    method: 'get',
    path: collection,
    summary: 'Open invitations of an organization',
    description: 'Those that were neither accepted nor revoked. An expired one can be sent again.',
    access: 'members:write',
    tenant: 'path',
    param: invitationsParam,
    query: listInvitationsQuery,
    replies: { 200: invitationPageSchema },
    problems: ['not_found'],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listInvitations(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const create = route(
  {
    id: 'invitations.create',
    method: 'post',
    path: collection,
    summary: 'Invite somebody by e-mail',
    description:
      'The mail carries a token that is good for seven days. Another invitation of the same e-mail replaces the one before. ' +
      'The answer does not tell whether a user has the e-mail. Only owners, managers of the account and staff invite owners; ' +
      'to invite an owner or admin takes a password proved lately (403 reauthentication_required), also to send it again or revoke it. ' +
      'It ends when whoever sent it may not invite to its role any more. ' +
      'An hour takes 5 invitations of one e-mail in an organization, 100 of an organization, 200 of one person: then 429 with Retry-After. ' +
      'An e-mail that was sent ten within the hour, whoever invited, gets no further mail then: sending the invitation again later helps.',
    access: 'members:write',
    tenant: 'path',
    param: invitationsParam,
    json: inviteSchema,
    replies: { 201: invitationSchema },
    problems: ['not_found', 'conflict', 'unprocessable', 'rate_limited', 'reauthentication_required'],
  },
  async ({ param, json }, ctx) => {
    const body = await invite(ctx, json)
    return { status: 201, body, headers: { Location: `/api/v1/organizations/${param.id}/invitations/${body.id}` } }
  },
)

const get = route(
  {
    id: 'invitations.get',
    method: 'get',
    path: item,
    summary: 'One open invitation',
    access: 'members:write',
    tenant: 'path',
    param: invitationParam,
    replies: { 200: invitationSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => ({ status: 200, body: await getInvitation(ctx, param.invitation_id) }),
)

const revoke = route(
  {
    id: 'invitations.delete',
    method: 'delete',
    path: item,
    summary: 'Revoke an invitation',
    access: 'members:write',
    tenant: 'path',
    param: invitationParam,
    replies: { 204: emptyReply('The token in the mail is worthless') },
    problems: ['not_found', 'reauthentication_required'],
  },
  async ({ param }, ctx) => {
    await revokeInvitation(ctx, param.invitation_id)
    return { status: 204 }
  },
)

const resend = route(
  {
    id: 'invitations.resend',
    method: 'post',
    path: `${item}/resend`,
    summary: 'Send an invitation again',
    description:
      'With a new token and a new term; the token sent before is worthless once there is a new mail. It counts as an invitation.',
    access: 'members:write',
    tenant: 'path',
    param: invitationParam,
    replies: { 200: invitationSchema },
    problems: ['not_found', 'rate_limited', 'reauthentication_required'],
  },
  async ({ param }, ctx) => ({ status: 200, body: await resendInvitation(ctx, param.invitation_id) }),
)

const preview = route(
  {
    id: 'invitations.preview',
    method: 'post',
    path: `${byToken}/preview`,
    summary: 'What a token invites to',
    description: 'The token goes in the body, since addresses are remembered by servers and browsers.',
    access: 'public',
    json: previewInvitationSchema,
    replies: { 200: invitationPreviewSchema },
    problems: ['invalid_one_time_token'],
  },
  async ({ json }, ctx) => ({ status: 200, body: await previewInvitation(ctx, json.token) }),
)

const accept = route(
  {
    id: 'invitations.accept',
    method: 'post',
    path: `${byToken}/accept`,
    summary: 'Accept an invitation as a user',
    description: 'The caller must be signed in with the e-mail that was invited. Who is no user yet takes POST /invitations/register.',
    access: 'session',
    json: acceptInvitationSchema,
    replies: { 200: acceptedInvitationSchema },
    problems: ['invalid_one_time_token', 'forbidden', 'conflict'],
  },
  async ({ json }, ctx) => ({ status: 200, body: await acceptInvitation(ctx, json.token) }),
)

const register = route(
  {
    id: 'invitations.register',
    method: 'post',
    path: `${byToken}/register`,
    summary: 'Accept an invitation as a new user',
    description:
      'Makes the user, with the e-mail confirmed; then log in. 409 where a user has the e-mail: sign in and POST /invitations/accept.',
    access: 'public',
    json: registerByInvitationSchema,
    replies: { 201: acceptedInvitationSchema },
    problems: ['invalid_one_time_token', 'conflict'],
  },
  async ({ json }, ctx) => ({ status: 201, body: await registerByInvitation(ctx, json) }),
)

export const invitationRoutes = [list, create, get, revoke, resend, preview, accept, register]
