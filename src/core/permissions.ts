/** The one table of who may do what: roles of people and kinds of API keys. Code and tests are driven by it. */

export const roles = ['owner', 'admin', 'member', 'viewer'] as const
export type Role = (typeof roles)[number]

export const permissions = [
  'logs:read',
  'logs:write',
  'logs:edit',
  'logs:delete',
  'logs:archive',
  'logs:segments',
  'logs:settings',
  'tasks:read',
  'tasks:write',
  'api_keys:read',
  'api_keys:write',
] as const
export type Permission = (typeof permissions)[number]

export const keyKinds = ['ingest', 'query', 'admin'] as const
export type KeyKind = (typeof keyKinds)[number]

/**
 * What an API key may be given. `api_keys:write` is missing on purpose: no key can make, change or revoke keys; and
 * `logs:settings`, since a short retention deletes all there is.
 */
export const scopes = [
  'logs:read',
  'logs:write',
  'logs:edit',
  'logs:delete',
  'logs:archive',
  'logs:segments',
  'tasks:read',
  'tasks:write',
  'api_keys:read',
] as const satisfies readonly Permission[]
export type Scope = (typeof scopes)[number]

/**
 * Permissions of each role in an organization. `logs:write` is sending logs, `logs:edit` changing stored ones, `logs:segments`
 * reading sealed files as they are, in which edited and deleted logs may still stand until they are rewritten.
 */
export const rolePermissions: Readonly<Record<Role, readonly Permission[]>> = {
  owner: permissions,
  admin: permissions,
  member: ['logs:read', 'logs:write', 'logs:edit', 'tasks:read', 'api_keys:read'],
  viewer: ['logs:read', 'tasks:read'],
}

/** The most that a key of each kind can be given; a key may hold fewer. */
export const kindScopes: Readonly<Record<KeyKind, readonly Scope[]>> = {
  ingest: ['logs:write'],
  query: ['logs:read'],
  admin: scopes,
}

/** Whether a person with this role in the active organization has the permission. */
export function roleHas(role: Role, permission: Permission): boolean {
  return rolePermissions[role].includes(permission)
}

/** Whether a key holding these scopes has the permission. */
export function scopesHave(held: readonly Scope[], permission: Permission): boolean {
  return held.some((scope) => scope === permission)
}

/** The scopes among `wanted` that a key of this kind cannot have; empty when all are allowed. */
export function scopesOutsideKind(kind: KeyKind, wanted: readonly Scope[]): Scope[] {
  return wanted.filter((scope) => !kindScopes[kind].includes(scope))
}
