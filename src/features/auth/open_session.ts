import { and, eq, inArray, lt, not, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { refreshTokenTtlMs, sessionCleanupRowsMax, userAgentCharsMax } from '../../core/limits.ts'
import { accountAuditStatement } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import type { NewMail } from '../../db/mails.ts'
import { sessions, users } from '../../db/schema.ts'
import { deviceText, placeText } from './device.ts'
import type { Device } from './device.ts'
import { knowsDevice, rememberDevice } from './devices.ts'
import { failedCodeMail } from './failed_code.ts'
import { failedLogin } from './failed_login.ts'
import { newRefreshToken } from './refresh_token.ts'
import { hasSecondFactor, isUnspent, spendProof } from './second_factor.ts'
import type { Proof } from './second_factor.ts'
import { issueTokens } from './session.ts'
import type { Tokens } from './session.ts'
import { markFailed, release } from './throttle.ts'
import type { Attempt } from './throttle.ts'

/** What a login reads of its user. */
export interface LoginUser {
  id: string
  accountId: string
  email: string
  passwordHash: string
  tokenVersion: number
  /** 0 or 1, as SQL has it. */
  hasDevices: number
  knowsDevice: number
  recoveryCodesLeft: number
}

export interface Opening {
  user: LoginUser
  userAgent: string | undefined
  device: Device
  fingerprint: string
  attempt: Attempt
  /** Undefined for a user without a second factor. */
  proof: Proof | undefined
}

/**
 * A new session with all that comes with it, in one D1 batch. Undefined, and the attempt counts as failed, when what was proved is
 * not so any more: the code was used, the password was changed, a second factor was set up.
 */
export async function openSession(ctx: BaseCtx, opening: Opening): Promise<Tokens | undefined> {
  const { user, fingerprint, attempt, proof } = opening
  const session = newSession(ctx, opening)
  const opened = sql`exists (select 1 from ${sessions} where ${sessions.id} = ${session.id})`
  const mails = [...noticesOf(ctx, opening, opened), ...(proof === undefined ? [] : [failedCodeMail(ctx, user, not(opened))])]
  const actor = { kind: 'user', id: user.id, sessionId: session.id } as const
  const entry = { action: 'auth.login', target: { kind: 'user', id: user.id }, details: { second_factor: proof?.kind ?? null } }
  const [rows] = await ctx.db.batch([
    session.statement,
    accountAuditStatement(ctx, { accountId: user.accountId, actor }, entry, sql`where ${opened}`),
    failedLogin(ctx, user, proof?.kind ?? 'password', sql`where not ${opened}`),
    ...mails.map(({ statement }) => statement),
    ...rememberDevice(ctx, user.id, fingerprint, sql`from ${users} where ${users.id} = ${user.id} and ${opened}`),
    ...(proof === undefined ? [] : [spendProof(ctx, user.id, proof, opened)]),
    markFailed(ctx, attempt, not(opened)),
    release(ctx, attempt, opened),
    deleteEnded(ctx, user.id),
  ])
  queueMails(ctx, mails)
  if (rows.length === 0) return undefined
  return issueTokens(ctx, session)
}

function newSession(ctx: BaseCtx, { user, userAgent, proof }: Opening) {
  const now = ctx.now()
  const id = ctx.newId()
  const token = newRefreshToken(id)
  const expiresAt = now + refreshTokenTtlMs
  const agent = userAgent?.slice(0, userAgentCharsMax) ?? null
  const { country, city } = ctx.place
  // The password was proved against a hash that a change made meanwhile has replaced.
  const same = and(eq(users.id, user.id), eq(users.passwordHash, user.passwordHash), eq(users.tokenVersion, user.tokenVersion))
  const proved = proof === undefined ? not(hasSecondFactor(user.id)) : isUnspent(user.id, proof)
  return {
    id,
    userId: user.id,
    tokenVersion: user.tokenVersion,
    refreshToken: token.text,
    expiresAt,
    statement: ctx.db
      .insert(sessions)
      .select(
        // In the order of the table's columns, as drizzle wants it.
        sql`select ${id}, ${user.id}, ${user.tokenVersion}, ${token.familyHash}, ${token.secretHash}, null, null, null, ${agent},
          ${ctx.clientAddress}, ${now}, ${expiresAt}, null, ${now}, ${now}, ${proof === undefined ? null : now}, ${country}, ${city}
          from ${users} where ${same} and ${users.deletedAt} is null and ${proved}`,
      )
      .returning({ id: sessions.id }),
  }
}

/** Mails about the login; their conditions hold before the device is remembered. */
function noticesOf(ctx: BaseCtx, { user, device, fingerprint, proof }: Opening, opened: SQL): NewMail[] {
  const to = { to: user.email, ownerId: user.id }
  const mails: NewMail[] = []
  // Asked for again in the batch: of two logins at once from a new device, one is told of.
  if (user.hasDevices === 1 && user.knowsDevice === 0) {
    const params = { device: deviceText(device), place: placeText(ctx.place), at_ms: ctx.now() }
    mails.push(newMail(ctx, 'new_device', to, params, sql`where ${opened} and not ${knowsDevice(user.id, fingerprint)}`))
  }
  if (proof?.kind === 'recovery_code') {
    mails.push(newMail(ctx, 'recovery_code_used', to, { left: user.recoveryCodesLeft - 1 }, sql`where ${opened}`))
  }
  return mails
}

/** Sessions of the user that ended long ago. */
function deleteEnded({ db, now }: BaseCtx, userId: string) {
  const ended = db
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.userId, userId), lt(sessions.expiresAt, now())))
    .limit(sessionCleanupRowsMax)
  return db.delete(sessions).where(inArray(sessions.id, ended))
}
