import { emptyReply, route } from '../../http/route.ts'
import { renewRecoveryCodes } from './recovery_codes.ts'
import { confirmTotpSchema, recoveryCodesSchema, removeTotpSchema, totpSetupSchema, totpStateSchema } from './session_schema.ts'
import { beginTotp } from './totp_begin.ts'
import { confirmTotp } from './totp_confirm.ts'
import { removeTotp } from './totp_remove.ts'
import { totpState } from './totp_state.ts'

const path = '/api/v1/auth/totp'

const stateRoute = route(
  {
    id: 'totp.get',
    method: 'get',
    path,
    summary: 'Whether the caller has a second factor',
    access: 'session',
    replies: { 200: totpStateSchema },
    problems: [],
  },
  async (_, ctx) => ({ status: 200, body: await totpState(ctx) }),
)

const beginRoute = route(
  {
    id: 'totp.begin',
    method: 'post',
    path,
    summary: 'Begin to set up a second factor',
    description: 'Time-based codes (RFC 6238). Scan the address, then confirm with a code; until then nothing changes.',
    access: 'session',
    stepUp: true,
    replies: { 201: totpSetupSchema },
    problems: ['conflict'],
  },
  async (_, ctx) => ({ status: 201, body: await beginTotp(ctx) }),
)

const confirmRoute = route(
  {
    id: 'totp.confirm',
    method: 'post',
    path: `${path}/confirm`,
    summary: 'Enable the second factor',
    description: 'Logging in needs a code from then on, and all other sessions end. The recovery codes are shown once, in this answer.',
    access: 'session',
    json: confirmTotpSchema,
    replies: { 200: recoveryCodesSchema },
    problems: ['conflict', 'unprocessable'],
  },
  async ({ json }, ctx) => ({ status: 200, body: { recovery_codes: await confirmTotp(ctx, json.code) } }),
)

const removeRoute = route(
  {
    id: 'totp.delete',
    method: 'delete',
    path,
    summary: 'Remove the second factor',
    description: 'All recovery codes go with it. A wrong code counts as a failed login.',
    access: 'session',
    stepUp: true,
    json: removeTotpSchema,
    replies: { 204: emptyReply('There is no second factor any more') },
    problems: ['conflict', 'unprocessable', 'rate_limited'],
  },
  async ({ json }, ctx) => {
    await removeTotp(ctx, { totpCode: json.totp_code, recoveryCode: json.recovery_code })
    return { status: 204 }
  },
)

const renewRoute = route(
  {
    id: 'totp.renew_recovery_codes',
    method: 'post',
    path: `${path}/recovery-codes`,
    summary: 'Replace the recovery codes',
    description: 'The old ones are worth nothing from then on. It needs a session that proved the second factor.',
    access: 'session',
    stepUp: true,
    replies: { 201: recoveryCodesSchema },
    problems: ['conflict', 'second_factor_required'],
  },
  async (_, ctx) => ({ status: 201, body: { recovery_codes: await renewRecoveryCodes(ctx) } }),
)

export const secondFactorRoutes = [stateRoute, beginRoute, confirmRoute, removeRoute, renewRoute]
