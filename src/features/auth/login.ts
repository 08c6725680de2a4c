import { and, eq, isNull } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'
import { queueMails } from '../../db/mails.ts'
import { users } from '../../db/schema.ts'
import { secondFactors } from '../../db/schema_identity.ts'
import { beginCheck } from './begin_check.ts'
import { deviceOf, fingerprintOf } from './device.ts'
import { hasDevices, knowsDevice } from './devices.ts'
import { failedCodeMail } from './failed_code.ts'
import { failedLogin } from './failed_login.ts'
import { openSession } from './open_session.ts'
import { verifyPassword } from './password.ts'
import { confirmedFactorOf, proofOf, recoveryCodesLeft } from './second_factor.ts'
import type { Proof, SentCodes } from './second_factor.ts'
import type { Tokens } from './session.ts'
import { markFailed, release } from './throttle.ts'
import type { Attempt } from './throttle.ts'
import { isHeldBack } from './unverified.ts'

export interface LoginInput extends SentCodes {
  email: string
  password: string
  userAgent: string | undefined
}

/** A new session. The same work and the same answer for an unknown e-mail as for a wrong password. */
export async function login(ctx: BaseCtx, input: LoginInput): Promise<Tokens> {
  const device = deviceOf(input.userAgent)
  const fingerprint = fingerprintOf(device, ctx.place)
  const { attempt, rows } = await beginCheck(ctx, input.email, () => findUser(ctx, input.email, fingerprint))
  const [user] = rows
  const correct = await verifyPassword(input.password, user?.passwordHash)
  const heldBack = user !== undefined && correct && isHeldBack(ctx, user)
  if (!user || !correct || heldBack) {
    await ctx.db.batch([failedLogin(ctx, user, heldBack ? 'email_unverified' : 'password'), markFailed(ctx, attempt)])
    throw invalidCredentials()
  }
  ctx.log.add({ user_id: user.id })
  const proof = await proveSecondFactor(ctx, user, input, attempt)
  const tokens = await openSession(ctx, { user, userAgent: input.userAgent, device, fingerprint, attempt, proof })
  if (tokens === undefined) throw proof === undefined ? invalidCredentials() : wrongCode()
  return tokens
}

function findUser(ctx: BaseCtx, email: string, fingerprint: string) {
  const { id, accountId, passwordHash, tokenVersion, emailVerifiedAt } = users
  return ctx.db
    .select({
      id,
      accountId,
      email: users.email,
      passwordHash,
      tokenVersion,
      emailVerifiedAt,
      sealedSecret: secondFactors.sealedSecret,
      recoveryCodesLeft: recoveryCodesLeft(id),
      hasDevices: hasDevices(id),
      knowsDevice: knowsDevice(id, fingerprint),
    })
    .from(users)
    .leftJoin(secondFactors, confirmedFactorOf(id))
    .where(and(eq(users.email, email), isNull(users.deletedAt)))
}

/** Only who knows the password learns that there is a second factor; a wrong code counts as a wrong password does, and the person is told. */
async function proveSecondFactor(
  ctx: BaseCtx,
  user: { id: string; accountId: string; email: string; sealedSecret: string | null },
  input: LoginInput,
  attempt: Attempt,
): Promise<Proof | undefined> {
  if (user.sealedSecret === null) return undefined
  if (input.totpCode === undefined && input.recoveryCode === undefined) {
    await release(ctx, attempt)
    throw problem('second_factor_needed', 'Send totp_code, the present code of the authenticator, or recovery_code along.')
  }
  const proof = proofOf(ctx, user.id, user.sealedSecret, input)
  if (proof !== undefined) return proof
  const mail = failedCodeMail(ctx, user)
  await ctx.db.batch([failedLogin(ctx, user, 'totp'), markFailed(ctx, attempt), mail.statement])
  queueMails(ctx, [mail])
  throw wrongCode()
}

function invalidCredentials() {
  return problem('invalid_credentials', 'The e-mail or the password is wrong, or the e-mail is not confirmed yet.')
}

function wrongCode() {
  return problem('second_factor_needed', 'The code is wrong, or was used before.')
}
