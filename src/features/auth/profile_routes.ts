import { emptyReply, rawReply, route } from '../../http/route.ts'
import { changeEmail } from './change_email.ts'
import { confirmChangeEmail } from './change_email_confirm.ts'
import { deleteMe } from './delete_me.ts'
import { exportMe } from './export_me.ts'
import { me } from './me.ts'
import {
  changeEmailSchema,
  changingEmailSchema,
  confirmChangeEmailSchema,
  confirmedChangeEmailSchema,
  meSchema,
  updateMeSchema,
} from './profile_schema.ts'
import { updateMe } from './profile_update.ts'
import { clearCookies } from './session_routes.ts'

const path = '/api/v1/auth/me'

const meRoute = route(
  {
    id: 'auth.get_me',
    method: 'get',
    path,
    summary: 'The caller, with profile, memberships and permissions',
    access: 'session',
    replies: { 200: meSchema },
    problems: [],
  },
  async (_, ctx) => ({ status: 200, body: await me(ctx) }),
)

const updateRoute = route(
  {
    id: 'auth.update_me',
    method: 'patch',
    path,
    summary: 'Change the profile of the caller',
    description: 'Only the given fields change. E-mail and password have their own ways.',
    access: 'session',
    json: updateMeSchema,
    replies: { 200: meSchema },
    problems: ['not_found', 'conflict'],
  },
  async ({ json }, ctx) => ({ status: 200, body: await updateMe(ctx, json) }),
)

const deleteRoute = route(
  {
    id: 'auth.delete_me',
    method: 'delete',
    path,
    summary: 'Delete the caller',
    description:
      'All sessions end at once. An account that nobody else is in, and its organizations, are deleted along; who is the last owner of ' +
      'others stays (409 last_owner). For 30 days the deployment can restore it all; then what is known of the person is gone.',
    access: 'session',
    stepUp: true,
    replies: { 204: emptyReply('The user is deleted') },
    problems: ['last_owner', 'conflict'],
  },
  async (_, ctx, c) => {
    await deleteMe(ctx)
    clearCookies(c)
    return { status: 204 }
  },
)

const exportRoute = route(
  {
    id: 'auth.export_me',
    method: 'get',
    path: `${path}/export`,
    summary: 'All that is known of the caller, as one JSON file',
    description: 'Secrets, such as hashes of passwords and tokens, are not in it. Five times an hour; then 429 with Retry-After.',
    access: 'session',
    stepUp: true,
    replies: { 200: rawReply('application/json', 'The file, streamed.') },
    problems: ['rate_limited'],
  },
  async (_, ctx) => {
    const { body, fileName } = await exportMe(ctx)
    const headers = { 'Content-Type': 'application/json', 'Content-Disposition': `attachment; filename="${fileName}"` }
    return new Response(body, { headers })
  },
)

const changeEmailRoute = route(
  {
    id: 'auth.change_email',
    method: 'post',
    path: '/api/v1/auth/change-email',
    summary: 'Begin a change of the e-mail address',
    description:
      'A mail goes to the present and to the new address; the e-mail changes once both have confirmed, within a day. The answer is the ' +
      'same whether or not somebody has the new address. An hour takes 3 changes to one address and 5 of one person: then 429.',
    access: 'session',
    stepUp: true,
    json: changeEmailSchema,
    form: true,
    replies: { 202: changingEmailSchema },
    problems: ['unprocessable', 'rate_limited'],
  },
  async ({ json }, ctx) => {
    const { expiresAt } = await changeEmail(ctx, json.new_email)
    const detail = 'Confirm with the tokens in the mails to both addresses. Where somebody has the new one already, none goes there.'
    return { status: 202, body: { new_email: json.new_email, expires_at: new Date(expiresAt).toISOString(), detail } }
  },
)

const confirmRoute = route(
  {
    id: 'auth.confirm_change_email',
    method: 'post',
    path: '/api/v1/auth/change-email/confirm',
    summary: 'Confirm one address of a change of e-mail',
    description: 'Each token works once. With the second one the e-mail changes and all sessions end: log in with the new address.',
    access: 'public',
    json: confirmChangeEmailSchema,
    form: true,
    replies: { 200: confirmedChangeEmailSchema },
    problems: ['invalid_one_time_token', 'conflict'],
  },
  async ({ json }, ctx) => {
    const { changed } = await confirmChangeEmail(ctx, json.token)
    const detail = changed ? 'The e-mail address has changed. Log in with the new one.' : 'Confirmed. The other address must confirm too.'
    return { status: 200, body: { changed, detail } }
  },
)

export const profileRoutes = [meRoute, updateRoute, deleteRoute, exportRoute, changeEmailRoute, confirmRoute]
