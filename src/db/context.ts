import type { Config, Env, Exports, Region } from '../config.ts'
import type { Role, Scope } from '../core/permissions.ts'
import type { LogSettings } from '../core/settings.ts'
import type { Database } from './client.ts'

/** The request's own voice: `add` puts attributes on its one log line, the others write a line at once. No secrets, no bodies. */
export interface Log {
  add(attributes: Record<string, unknown>): void
  warn(message: string, attributes?: Record<string, unknown>): void
  error(message: string, error: unknown, attributes?: Record<string, unknown>): void
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
}

/** A signed-in person, whatever the organization. */
export interface UserCtx extends BaseCtx {
  readonly user: SignedInUser
  readonly sessionId: string
}

export type Actor =
  | { readonly kind: 'user'; readonly userId: string; readonly sessionId: string; readonly role: Role }
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

/** What an access token proves; `membership` is the wanted organization, or the default one, or null when there is none. */
export interface VerifiedSession {
  readonly user: SignedInUser
  readonly sessionId: string
  readonly membership: (Tenant & { readonly role: Role }) | null
}

/** What an API key proves. */
export interface VerifiedApiKey {
  readonly keyId: string
  readonly scopes: readonly Scope[]
  readonly tenant: Tenant
}
