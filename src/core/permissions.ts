/**
 * The one table of who may do what. Each line is an action on a kind of thing, and the actors that may do it; who is not
 * named may not. Routes name their line in `access`, keys take their scopes from it, and docs and tests are made from it.
 */

/** Roles of a person in an organization, the highest first. */
export const roles = ['owner', 'admin', 'member', 'viewer'] as const
export type Role = (typeof roles)[number]

/** Roles of a person in an account. */
export const accountRoles = ['owner', 'admin'] as const
export type AccountRole = (typeof accountRoles)[number]

/** Roles of a person in a team. */
export const teamRoles = ['manager', 'member'] as const
export type TeamRole = (typeof teamRoles)[number]

export const keyKinds = ['ingest', 'query', 'admin'] as const
export type KeyKind = (typeof keyKinds)[number]

/**
 * What a person acts as in an organization: the role there, `account_admin` in all organizations of an account that the
 * person has a role in, `staff` in all organizations of the deployment. Neither of the two reads a tenant's logs.
 */
export const actingRoles = [...roles, 'account_admin', 'staff'] as const
export type ActingRole = (typeof actingRoles)[number]

/** What a person acts as in an account. */
export const accountActingRoles = [...accountRoles, 'staff'] as const
export type AccountActingRole = (typeof accountActingRoles)[number]

interface Line<R extends string> {
  readonly allows: string
  readonly roles: readonly R[]
  /** Kinds of API keys that can hold it as a scope. */
  readonly keys?: readonly KeyKind[]
}

const everybody = roles
const writers = ['owner', 'admin', 'member'] as const
const admins = ['owner', 'admin'] as const
const managers = ['owner', 'admin', 'account_admin', 'staff'] as const
const onlookers = [...roles, 'account_admin', 'staff'] as const

const organizationTable = {
  'logs:read': { allows: 'search, count, tail and export logs', roles: everybody, keys: ['query', 'admin'] },
  'logs:write': { allows: 'send logs', roles: writers, keys: ['ingest', 'admin'] },
  'logs:edit': { allows: 'change single logs', roles: writers, keys: ['admin'] },
  'logs:delete': { allows: 'delete logs for ever, single ones and by query', roles: admins, keys: ['admin'] },
  'logs:archive': { allows: 'write logs to Parquet files', roles: admins, keys: ['admin'] },
  'logs:segments': {
    allows: 'read sealed files as they are, in which edited and deleted logs may still stand until they are rewritten',
    roles: admins,
    keys: ['admin'],
  },
  // No key: a short retention deletes all there is.
  'logs:settings': { allows: 'set retention', roles: admins },
  'tasks:read': { allows: 'see background tasks and their files', roles: everybody, keys: ['admin'] },
  'tasks:create': {
    allows: 'start background tasks and revoke own ones; what a task does is asked for as well',
    roles: writers,
    keys: ['admin'],
  },
  'tasks:write': { allows: 'revoke background tasks of others', roles: admins, keys: ['admin'] },
  'api_keys:read': { allows: 'list API keys', roles: writers, keys: ['admin'] },
  // No key: a stolen key must not be able to outlive its revocation.
  'api_keys:write': { allows: 'create, change, rotate and revoke API keys', roles: admins },
  'organization:read': { allows: 'see the organization and its settings', roles: onlookers },
  'organization:write': { allows: 'rename the organization and change its settings', roles: managers },
  'organization:delete': { allows: 'delete and restore the organization', roles: ['owner', 'account_admin', 'staff'] },
  'organization:transfer': { allows: 'hand ownership over', roles: ['owner', 'staff'] },
  'members:read': { allows: 'see members', roles: onlookers },
  'members:write': { allows: 'invite and remove members and change their roles', roles: managers },
  // Not only owners: an organization whose owners are gone has to be rescued.
  'members:owners': { allows: 'do so with owners: make, invite and remove them', roles: ['owner', 'account_admin', 'staff'] },
  'teams:read': { allows: 'see teams and their members', roles: onlookers },
  'teams:write': { allows: 'create, change and delete teams; a manager of a team changes that one', roles: managers },
  'audit:read': { allows: 'read and export the audit log', roles: managers, keys: ['admin'] },
  'saved_filters:read': { allows: 'see own and shared filters', roles: everybody },
  'saved_filters:write': { allows: 'keep own filters', roles: everybody },
  'saved_filters:share': { allows: 'share a filter with the organization, and change shared ones', roles: writers },
  'dashboards:read': { allows: 'see dashboards', roles: everybody, keys: ['query', 'admin'] },
  'dashboards:write': { allows: 'create, change and delete dashboards', roles: writers, keys: ['admin'] },
  'alerts:read': {
    allows: 'list alert rules and silences; one rule, its history and what it told hold parts of logs, and ask for logs:read as well',
    roles: everybody,
    keys: ['query', 'admin'],
  },
  'alerts:write': {
    allows: 'delete and silence alert rules; to create, change and test them, which reads logs, asks for logs:read as well',
    roles: writers,
    keys: ['admin'],
  },
  'channels:read': { allows: 'see notification channels', roles: everybody, keys: ['admin'] },
  // No key: a channel carries logs out of the organization.
  'channels:write': { allows: 'create, change, test and delete notification channels', roles: admins },
  'reports:read': { allows: 'see scheduled reports', roles: everybody, keys: ['admin'] },
  // No key, for the same reason.
  'reports:write': { allows: 'create, change, run and delete scheduled reports', roles: writers },
} as const satisfies Record<string, Line<ActingRole>>

const accountTable = {
  'account:read': { allows: 'see the account, its organizations and who manages it', roles: accountActingRoles },
  'account:write': { allows: 'rename the account', roles: accountActingRoles },
  'account:delete': { allows: 'delete and restore the account', roles: ['owner', 'staff'] },
  'account:members': { allows: 'give and take roles in the account, and hand it over', roles: ['owner', 'staff'] },
  'account:audit': { allows: 'read the audit log of the account', roles: accountActingRoles },
  'users:read': { allows: 'list the users of the account', roles: accountActingRoles },
  'users:write': { allows: 'create, change, delete and restore users of the account', roles: accountActingRoles },
  'organizations:create': { allows: 'create organizations in the account', roles: accountActingRoles },
} as const satisfies Record<string, Line<AccountActingRole>>

export type Permission = keyof typeof organizationTable
export type AccountPermission = keyof typeof accountTable
/** A permission that some kind of key can hold. */
export type Scope = { [P in Permission]: (typeof organizationTable)[P] extends { keys: unknown } ? P : never }[Permission]

/** The table as data, for docs and tests. */
export const organizationLines: Readonly<Record<Permission, Line<ActingRole>>> = organizationTable
export const accountLines: Readonly<Record<AccountPermission, Line<AccountActingRole>>> = accountTable

export const permissions = Object.keys(organizationTable) as Permission[]
export const accountPermissions = Object.keys(accountTable) as AccountPermission[]
export const scopes = permissions.filter((permission) => organizationLines[permission].keys !== undefined) as [Scope, ...Scope[]]

/** Permissions of each role in an organization. */
export const rolePermissions = byActor(actingRoles, (role) => permissions.filter((permission) => roleHas(role, permission)))

/** The most that a key of each kind can be given; a key may hold fewer. */
export const kindScopes = byActor(keyKinds, (kind) => scopes.filter((scope) => organizationLines[scope].keys?.includes(kind)))

/** Whether a person who acts as this in the organization has the permission. */
export function roleHas(role: ActingRole, permission: Permission): boolean {
  return organizationLines[permission].roles.includes(role)
}

/** The same in an account. */
export function accountRoleHas(role: AccountActingRole, permission: AccountPermission): boolean {
  return accountLines[permission].roles.includes(role)
}

/** What a person with these roles acts as in an organization; null is none. */
export function actingRolesOf(of: { role: Role | null; accountRole: AccountRole | null; isStaff: boolean }): ActingRole[] {
  const accountAdmin = of.accountRole === null ? [] : (['account_admin'] as const)
  return [...(of.role === null ? [] : [of.role]), ...accountAdmin, ...staffIf(of.isStaff)]
}

/** The same in an account. */
export function accountActingRolesOf(of: { role: AccountRole | null; isStaff: boolean }): AccountActingRole[] {
  return [...(of.role === null ? [] : [of.role]), ...staffIf(of.isStaff)]
}

export function isAccountPermission(access: string): access is AccountPermission {
  return Object.hasOwn(accountTable, access)
}

/** Whether a key holding these scopes has the permission. */
export function scopesHave(held: readonly Scope[], permission: Permission): boolean {
  return held.some((scope) => scope === permission)
}

/** The scopes among `wanted` that a key of this kind cannot have; empty when all are allowed. */
export function scopesOutsideKind(kind: KeyKind, wanted: readonly Scope[]): Scope[] {
  return wanted.filter((scope) => !kindScopes[kind].includes(scope))
}

function staffIf(isStaff: boolean): 'staff'[] {
  return isStaff ? ['staff'] : []
}

function byActor<A extends string, T>(actors: readonly A[], of: (actor: A) => T): Readonly<Record<A, T>> {
  return Object.fromEntries(actors.map((actor) => [actor, of(actor)])) as Record<A, T>
}
