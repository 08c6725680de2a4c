import type { Config, Env, Exports, Region } from '../config.ts'
import type { Log } from '../core/log.ts'
import type { AccountActingRole, ActingRole, Scope } from '../core/permissions.ts'
import type { LogSettings } from '../core/settings.ts'
import type { Database } from './client.ts'

/** Where a request came from, as Cloudflare tells it: ISO 3166 country and a city; null where it does not know. */
export interface Place {
  readonly country: string | null
  readonly city: string | null
}

/** What every verb gets: storage, clock, ids. Built once a request (or once a job) and passed on. */
export interface BaseCtx {
  readonly db: Database
  readonly env: Env
  /** Undefined where there is no Worker around, as in tests. */
  readonly exports: Exports | undefined
  readonly config: Config
  readonly log: Log
  readonly requestId: string
  /** Where the request came in: the location hint of the log shard it writes to. */
  readonly region: Region
  /** IP address of the caller as Cloudflare saw it. */
  readonly clientAddress: string
  readonly place: Place
  /** Milliseconds since 1970. */
  now(): number
  /** A UUIDv7. */
  newId(): string
  /** Lets work go on after the answer; its failure is logged. */
  waitUntil(work: Promise<unknown>): void
}

export interface SignedInUser {
  readonly id: string
  readonly email: string
  /** Account that the user belongs to. */
  readonly accountId: string
  readonly isStaff: boolean
}

/** The session that a request shows. */
export interface SessionProof {
  readonly id: string
  /** When the password was last proved in it. */
  readonly passwordProvedMs: number
  /** Whether a second factor was proved in it. */
  readonly secondFactor: boolean
}

/** A signed-in person, whatever the organization. */
export interface UserCtx extends BaseCtx {
  readonly user: SignedInUser
  readonly sessionId: string
  readonly session: SessionProof
}

export type Actor =
  /** A person, with all that the person acts as in the organization. */
  | { readonly kind: 'user'; readonly userId: string; readonly sessionId: string; readonly roles: readonly ActingRole[] }
  | { readonly kind: 'api_key'; readonly keyId: string; readonly scopes: readonly Scope[] }
  /** A job, whoever asked for it. */
  | { readonly kind: 'system' }

export interface Tenant {
  readonly organizationId: string
  readonly accountId: string
  readonly logSettings: LogSettings
}

/** Somebody who may do what the route's `access` says, inside one organization. */
export interface TenantCtx extends BaseCtx {
  readonly actor: Actor
  readonly tenant: Tenant
}

/** A person who may do what the route's `access` says, inside one account. */
export interface AccountCtx extends UserCtx {
  readonly account: { readonly id: string; readonly roles: readonly AccountActingRole[] }
}

/** Which tenant a request asks for: the given one, or with `undefined` the caller's own. */
export type WantedTenant =
  | { readonly kind: 'none' }
  | { readonly kind: 'organization'; readonly id: string | undefined; readonly deleted?: boolean }
  | { readonly kind: 'account'; readonly id: string | undefined; readonly deleted?: boolean }

/** What an access token proves. */
export interface VerifiedSession {
  readonly user: SignedInUser
  readonly session: SessionProof
  /** The wanted or default organization; null when none was wanted, or the user has none. */
  readonly organization: (Tenant & { readonly roles: readonly ActingRole[]; readonly requireSecondFactor: boolean }) | null
  /** The wanted account; null when none was wanted. */
  readonly account: (AccountCtx['account'] & { readonly requireSecondFactor: boolean }) | null
}

/** What an API key proves. */
export interface VerifiedApiKey {
  readonly keyId: string
  readonly scopes: readonly Scope[]
  readonly tenant: Tenant
  /** Its own limit of requests a minute; null where the deployment's holds. */
  readonly ratePerMinute: number | null
}
