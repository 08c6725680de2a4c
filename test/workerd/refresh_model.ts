import { deepEqual, equal } from 'node:assert/strict'
import * as fc from 'fast-check'
import { toBase64Url } from '../../src/core/bytes.ts'
import { refreshGraceMs, refreshTokenTtlMs } from '../../src/core/limits.ts'
import type { BaseCtx, UserCtx } from '../../src/db/context.ts'
import { login } from '../../src/features/auth/login.ts'
import { logoutAll } from '../../src/features/auth/logout_all.ts'
import { refresh } from '../../src/features/auth/refresh.ts'
import { parseRefreshToken } from '../../src/features/auth/refresh_token.ts'
import { issueTokens } from '../../src/features/auth/session.ts'
import type { Tokens } from '../../src/features/auth/session.ts'
import { revokeSession } from '../../src/features/auth/session_revoke.ts'
import { verifySession } from '../../src/features/auth/verify_session.ts'
import type { World } from '../support/world.ts'

/** A session as the contract (api.md) describes it. */
interface ModelSession {
  id: string
  /** Every refresh token it ever had, the current one last. */
  tokens: string[]
  rotatedMs: number
  expiresMs: number
  /** The token version that it began under. */
  version: number
  /** Revoked, by whatever. */
  over: boolean
}

export interface Model {
  nowMs: number
  sessions: ModelSession[]
  /** How often the user logged out everywhere. */
  version: number
}

export interface Real {
  world: World
  /** A context whose clock stands at the given time. */
  at(nowMs: number): BaseCtx
}

/** Few, so that what happens to one of them adds up. */
const sessionsMax = 3

/** Where the id, and the part that stays the same, end in the bytes of a token (features/auth/refresh_token.ts). */
const idEndsAt = 16
const familyEndsAt = 48

type Outcome = { token: string; expiresMs: number } | 'refused'
type Command = fc.AsyncCommand<Model, Real>

/** What one use of a token must do, to the model as well. `next` is what the real thing made, where only that can know it. */
function use(model: Model, session: ModelSession, token: string, next: string): Outcome {
  if (session.over || session.expiresMs <= model.nowMs) return 'refused'
  const behind = session.tokens.length - 1 - session.tokens.lastIndexOf(token)
  if (session.tokens.includes(token) && behind === 0) {
    session.tokens.push(next)
    session.rotatedMs = model.nowMs
    session.expiresMs = model.nowMs + refreshTokenTtlMs
    return { token: next, expiresMs: session.expiresMs }
  }
  const isLate = model.nowMs - session.rotatedMs > refreshGraceMs
  if (session.tokens.includes(token) && behind === 1 && !isLate) {
    return { token: session.tokens.at(-1) ?? '', expiresMs: session.expiresMs }
  }
  session.over = true
  return 'refused'
}

async function outcomeOf(work: Promise<Tokens>): Promise<Outcome> {
  return work.then(
    ({ refreshToken, refreshExpiresMs }): Outcome => ({ token: refreshToken, expiresMs: refreshExpiresMs }),
    (error: { code?: string }) => {
      if (error.code === 'invalid_refresh_token') return 'refused'
      throw error
    },
  )
}

/** Access tokens of a session work exactly as long as it does: each is checked by the one look-up of a request. */
async function checkAccess(model: Model, { world, at }: Real): Promise<void> {
  const ctx = at(model.nowMs)
  for (const { id, version, over, expiresMs } of model.sessions) {
    const claims = { id, userId: world.owner.userId, tokenVersion: version, refreshToken: '', expiresAt: 0 }
    const { accessToken } = await issueTokens(ctx, claims)
    const alive = await verifySession(ctx, accessToken, { kind: 'none' }, () => undefined).then(
      () => true,
      (error: { code?: string }) => error.code !== 'invalid_token',
    )
    equal(alive, !over && expiresMs > model.nowMs, `access by session ${id}`)
  }
}

/** A command whose effect on the sessions is checked once it is done. */
function command(name: string, check: (model: Readonly<Model>) => boolean, act: (model: Model, real: Real) => Promise<void>): Command {
  const run = async (model: Model, real: Real) => {
    await act(model, real)
    await checkAccess(model, real)
  }
  return { check, run, toString: () => name }
}

/** The session that a number stands for: there are fewer than numbers. */
function pick(model: Readonly<Model>, which: number): ModelSession {
  const session = model.sessions[which % Math.max(1, model.sessions.length)]
  if (!session) throw new Error('there is no session yet')
  return session
}

const hasSessions = (model: Readonly<Model>) => model.sessions.length > 0

const logIn = command(
  'log in',
  (model) => model.sessions.length < sessionsMax,
  async (model, { world, at }) => {
    const { email, password } = world.owner
    const tokens = await login(at(model.nowMs), { email, password, userAgent: 'curl/8' })
    equal(tokens.refreshExpiresMs, model.nowMs + refreshTokenTtlMs)
    const id = parseRefreshToken(tokens.refreshToken)?.sessionId ?? ''
    const { version } = model
    model.sessions.push({ id, tokens: [tokens.refreshToken], rotatedMs: 0, expiresMs: tokens.refreshExpiresMs, version, over: false })
  },
)

/** `times` uses at once of the token that is so many behind the current one. */
function useToken(which: number, behind: number, times: number): Command {
  const check = (model: Readonly<Model>) => hasSessions(model) && pick(model, which).tokens.length > behind
  return command(`${times} refreshes of session ${which} with the token ${behind} behind`, check, async (model, { at }) => {
    const session = pick(model, which)
    const token = session.tokens.at(-1 - behind) ?? ''
    const ctx = at(model.nowMs)
    const outcomes = await Promise.all(Array.from({ length: times }, () => outcomeOf(refresh(ctx, token))))
    const made = outcomes.find((outcome) => outcome !== 'refused')
    const isNew = made !== undefined && !session.tokens.includes(made.token)
    const next = isNew ? made.token : `a successor of ${token}`
    deepEqual(
      outcomes,
      outcomes.map(() => use(model, session, token, next)),
    )
  })
}

/** A token that nobody was given: of the session's id alone, or (as from a copy) with the part that all its tokens share. */
function forge(which: number, knowsFamily: boolean): Command {
  const name = `a forged token of session ${which}${knowsFamily ? ' and its family' : ''}`
  return command(name, hasSessions, async (model, { at }) => {
    const session = pick(model, which)
    const bytes = parseRefreshToken(session.tokens[0] ?? '')?.bytes ?? new Uint8Array()
    const forged = bytes.map((byte, i) => (i < (knowsFamily ? familyEndsAt : idEndsAt) ? byte : byte ^ 0x55))
    equal(await outcomeOf(refresh(at(model.nowMs), toBase64Url(forged))), 'refused')
    if (knowsFamily && session.expiresMs > model.nowMs) session.over = true
  })
}

function revoke(which: number): Command {
  return command(`revoke session ${which}`, hasSessions, async (model, real) => {
    const session = pick(model, which)
    const found = await revokeSession(asOwner(real, model, session), session.id).then(
      () => true,
      (error: { code?: string }) => error.code !== 'not_found',
    )
    equal(found, !session.over && session.expiresMs > model.nowMs)
    session.over = true
  })
}

const logOutEverywhere = command('log out everywhere', hasSessions, async (model, real) => {
  await logoutAll(asOwner(real, model, pick(model, 0)))
  model.version += 1
  for (const session of model.sessions) session.over = true
})

function wait(ms: number): Command {
  return command(
    `wait ${ms} ms`,
    () => true,
    async (model) => {
      model.nowMs += ms
    },
  )
}

function asOwner({ world, at }: Real, model: Model, { id }: ModelSession): UserCtx {
  const { userId, email } = world.owner
  const user = { id: userId, email, accountId: world.accountId, isStaff: false }
  return { ...at(model.nowMs), user, sessionId: id, session: { id, passwordProvedMs: model.nowMs, secondFactor: false } }
}

/** Logins, refreshes with tokens of any age and any number at once, forgeries, ends of sessions, and time that passes. */
export function refreshCommands(most: number) {
  const which = fc.nat(sessionsMax - 1)
  const refreshes = fc
    .tuple(which, fc.constantFrom(0, 0, 0, 1, 1, 1, 2, 3), fc.constantFrom(1, 1, 1, 1, 2, 20))
    .map((given) => useToken(...given))
  const [days, grace] = [
    [86_400_000, refreshTokenTtlMs - 1, refreshTokenTtlMs],
    [refreshGraceMs, refreshGraceMs + 1],
  ]
  const clock = fc.constantFrom(1, 1000, ...grace, ...grace, ...grace, ...days).map(wait)
  const endings = fc.oneof(
    fc.tuple(which, fc.boolean()).map((given) => forge(...given)),
    which.map(revoke),
    fc.constant(logOutEverywhere),
  )
  // What ends sessions is rare, so that they live long enough to go wrong.
  const often: fc.Arbitrary<Command>[] = [fc.constant(logIn), refreshes, refreshes, refreshes, refreshes, clock, clock, endings]
  return fc.commands(often, { maxCommands: most, size: 'max' })
}
