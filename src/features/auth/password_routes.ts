import { askedMailsPerAddressMax, askedMailsPerEmailMax } from '../../core/limits.ts'
import { emptyReply, route } from '../../http/route.ts'
import { changePassword } from './change_password.ts'
import { confirmPassword } from './confirm_password.ts'
import { requestPasswordReset } from './password_reset.ts'
import { confirmPasswordReset } from './password_reset_confirm.ts'
import {
  askedSchema,
  changePasswordSchema,
  confirmedPasswordSchema,
  confirmPasswordSchema,
  confirmResetSchema,
  emailOnlySchema,
  tokenOnlySchema,
} from './password_schema.ts'
import { preRegister } from './pre_register.ts'
import { verifyEmail } from './verify_email.ts'
import { resendVerifyEmail } from './verify_email_resend.ts'

const limits =
  `An hour takes ${askedMailsPerEmailMax} requests for one e-mail, known or not, and ${askedMailsPerAddressMax} from one address: ` +
  'then 429 with Retry-After.'

const changeRoute = route(
  {
    id: 'auth.change_password',
    method: 'post',
    path: '/api/v1/auth/change-password',
    summary: 'Change the password',
    description: 'Ends all other sessions and tells the person by mail. A wrong present password counts as a failed login.',
    access: 'session',
    json: changePasswordSchema,
    form: true,
    replies: { 204: emptyReply('The password is changed; this session goes on') },
    problems: ['invalid_credentials', 'rate_limited'],
  },
  async ({ json }, ctx) => {
    await changePassword(ctx, json)
    return { status: 204 }
  },
)

const confirmRoute = route(
  {
    id: 'auth.confirm_password',
    method: 'post',
    path: '/api/v1/auth/confirm-password',
    summary: 'Prove the password again in this session',
    description: 'What answers 403 reauthentication_required works for 15 minutes afterwards. A wrong password counts as a failed login.',
    access: 'session',
    json: confirmPasswordSchema,
    form: true,
    replies: { 200: confirmedPasswordSchema },
    problems: ['invalid_credentials', 'rate_limited'],
  },
  async ({ json }, ctx) => {
    const untilMs = await confirmPassword(ctx, json.password)
    return { status: 200, body: { valid_until: new Date(untilMs).toISOString() } }
  },
)

const resetRoute = route(
  {
    id: 'auth.password_reset',
    method: 'post',
    path: '/api/v1/auth/password-reset',
    summary: 'Ask for a mail that sets a new password',
    description: `The answer is the same whether or not the e-mail is known. ${limits}`,
    access: 'public',
    json: emailOnlySchema,
    form: true,
    replies: { 202: askedSchema },
    problems: ['rate_limited'],
  },
  async ({ json: { email } }, ctx) => {
    await requestPasswordReset(ctx, email)
    const detail = 'If somebody has this e-mail here, a mail with a token is on its way. It is good for one hour.'
    return { status: 202, body: { email, detail } }
  },
)

const confirmResetRoute = route(
  {
    id: 'auth.password_reset_confirm',
    method: 'post',
    path: '/api/v1/auth/password-reset/confirm',
    summary: 'Set a new password with the token of a mail',
    description: 'Works once. Ends all sessions and confirms the e-mail. A new user whom an administrator made starts here as well.',
    access: 'public',
    json: confirmResetSchema,
    form: true,
    replies: { 204: emptyReply('The password is set: log in') },
    problems: ['invalid_one_time_token'],
  },
  async ({ json }, ctx) => {
    await confirmPasswordReset(ctx, json)
    return { status: 204 }
  },
)

const verifyRoute = route(
  {
    id: 'auth.verify_email',
    method: 'post',
    path: '/api/v1/auth/verify-email',
    summary: 'Confirm an e-mail with the token of a mail',
    description: 'Works once, within 24 hours.',
    access: 'public',
    json: tokenOnlySchema,
    form: true,
    replies: { 204: emptyReply('The e-mail is confirmed') },
    problems: ['invalid_one_time_token'],
  },
  async ({ json: { token } }, ctx) => {
    await verifyEmail(ctx, token)
    return { status: 204 }
  },
)

const resendRoute = route(
  {
    id: 'auth.verify_email_resend',
    method: 'post',
    path: '/api/v1/auth/verify-email/resend',
    summary: 'Ask for another mail that confirms an e-mail',
    description: `The answer is the same whether the e-mail is known, confirmed or neither. ${limits}`,
    access: 'public',
    json: emailOnlySchema,
    form: true,
    replies: { 202: askedSchema },
    problems: ['rate_limited'],
  },
  async ({ json: { email } }, ctx) => {
    await resendVerifyEmail(ctx, email)
    const detail = 'If this e-mail waits to be confirmed, a mail with a token is on its way. It is good for 24 hours.'
    return { status: 202, body: { email, detail } }
  },
)

const preRegisterRoute = route(
  {
    id: 'auth.pre_register',
    method: 'post',
    path: '/api/v1/auth/pre-register',
    summary: 'Leave an e-mail for the launch',
    description: `Each e-mail is kept once; the answer is the same each time. ${limits}`,
    access: 'public',
    json: emailOnlySchema,
    form: true,
    replies: { 201: askedSchema },
    problems: ['rate_limited'],
  },
  async ({ json: { email } }, ctx) => {
    await preRegister(ctx, email)
    return { status: 201, body: { email, detail: 'You will hear of the launch by mail.' } }
  },
)

export const passwordRoutes = [changeRoute, confirmRoute, resetRoute, confirmResetRoute, verifyRoute, resendRoute, preRegisterRoute]
