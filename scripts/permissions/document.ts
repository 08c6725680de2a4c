import {
  accountActingRoles,
  accountLines,
  accountPermissions,
  accountRoleHas,
  actingRoles,
  isAccountPermission,
  keyKinds,
  kindScopes,
  organizationLines,
  permissions,
  roleHas,
} from '../../src/core/permissions.ts'
import type { AnyRouteSpec, Route } from '../../src/http/route.ts'

/** How the document is made anew; it says so itself, and so does the test that finds it old. */
export const regenerate = 'npm run permissions'

const yes = 'yes'
const no = ''

/** src/core/PERMISSIONS.md: the table of permissions, and which line of it each route asks for. */
export function permissionsDocument(routes: readonly Route[]): string {
  const specs = routes.map(({ spec }) => spec)
  const guarded = specs.filter(({ access }) => access !== 'public')
  return [
    '# Who may do what',
    `Made by \`${regenerate}\` from \`permissions.ts\` and the routes; a test fails when it is not what they say. Whatever is not "yes" is refused.`,
    '## In an organization',
    'A person acts by the role in the organization; also as `account_admin` in every organization of an account that the person has a role in, ' +
      'and as `staff` everywhere. Neither of the two reads logs. What staff do as staff is written to the audit log, reads included.',
    table(
      ['Permission', 'Allows to', ...actingRoles],
      permissions.map((one) => [`\`${one}\``, organizationLines[one].allows, ...actingRoles.map((role) => mark(roleHas(role, one)))]),
    ),
    'An organization that requires a second factor refuses sessions without one (`second_factor_required`), and so does its account. ' +
      'The rights of staff count in sessions with a second factor only.',
    '## API keys',
    'A key belongs to one organization and holds some of the scopes that its kind may have. No kind has what is not listed: no key makes keys, manages people, or sets retention.',
    table(
      ['Scope', ...keyKinds],
      permissions
        .filter((one) => organizationLines[one].keys !== undefined)
        .map((one) => [`\`${one}\``, ...keyKinds.map((kind) => mark(kindScopes[kind].some((scope) => scope === one)))]),
    ),
    '## In an account',
    table(
      ['Permission', 'Allows to', ...accountActingRoles],
      accountPermissions.map((one) => [
        `\`${one}\``,
        accountLines[one].allows,
        ...accountActingRoles.map((role) => mark(accountRoleHas(role, one))),
      ]),
    ),
    '## Routes',
    'A tenant in the path that is not there for the caller is 404, a missing right 403. "Password" routes want it proved within 15 minutes (`reauthentication_required`).',
    table(
      ['Route', 'Access', 'Tenant', 'API keys', 'Password'],
      guarded.map((spec) => [
        `\`${spec.method.toUpperCase()} ${spec.path}\``,
        accessText(spec),
        tenantText(spec),
        keyText(spec),
        mark(spec.stepUp === true),
      ]),
    ),
    `Anybody may call: ${specs
      .filter(({ access }) => access === 'public')
      .map(({ method, path }) => `\`${method.toUpperCase()} ${path}\``)
      .join(', ')}.`,
  ]
    .join('\n\n')
    .concat('\n')
}

function accessText({ access }: AnyRouteSpec): string {
  return access === 'session' ? 'any signed-in person' : access === 'staff' ? 'staff' : `\`${access}\``
}

function tenantText({ access, tenant }: AnyRouteSpec): string {
  if (access === 'session' || access === 'staff' || access === 'public') return ''
  const kind = isAccountPermission(access) ? 'account' : 'organization'
  if (tenant === 'deleted') return `${kind} of the path, also a deleted one`
  if (tenant === 'path') return `${kind} of the path`
  return kind === 'account' ? 'own account' : 'active organization'
}

function keyText({ access }: AnyRouteSpec): string {
  if (access === 'session' || access === 'staff' || access === 'public' || isAccountPermission(access)) return no
  return (organizationLines[access].keys ?? []).join(', ')
}

function mark(allowed: boolean): string {
  return allowed ? yes : no
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
