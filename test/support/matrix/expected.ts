import { accountRoleHas, isAccountPermission, roleHas, scopesHave } from '../../../src/core/permissions.ts'
import type {
  AccountActingRole,
  AccountPermission,
  AccountRole,
  ActingRole,
  Permission,
  Role,
  Scope,
} from '../../../src/core/permissions.ts'
import type { AnyRouteSpec } from '../../../src/http/route.ts'

/*
 * What must come of a request, from the route's contract, the table of permissions and what the actor is. Nothing of what
 * decides in the Worker is asked, so that a mistake there shows.
 */

/** Organizations that requests are about; all but `foreign` belong to the account `own`. */
export const places = {
  main: { account: 'own', deleted: false, strict: false },
  sibling: { account: 'own', deleted: false, strict: false },
  deleted: { account: 'own', deleted: true, strict: false },
  /** Wants a second factor. */
  strict: { account: 'own', deleted: false, strict: true },
  foreign: { account: 'foreign', deleted: false, strict: false },
} as const
export type Place = keyof typeof places
export type AccountPlace = (typeof places)[Place]['account']

/** A person with all that decides; what is left out is not the case. */
export interface PersonFacts {
  kind: 'person'
  /** The account that the user belongs to. */
  account: AccountPlace
  roles?: Partial<Record<Place, Role>>
  /** Role in the own account. */
  accountRole?: AccountRole
  defaultPlace?: Place
  staff?: true
  secondFactor?: true
  stalePassword?: true
  /** The credential proves nothing any more. */
  over?: true
}
export interface KeyFacts {
  kind: 'key'
  place: Place
  scopes: readonly Scope[]
}
export type Facts = { kind: 'nobody' } | PersonFacts | KeyFacts

export type Verdict = 'allow' | '401' | '403 forbidden' | '403 second_factor_required' | '403 reauthentication_required' | '404 not_found'

/** `place` is where the request wants to act: by the path, or by header; undefined where it names none. */
export function verdict(facts: Facts, spec: AnyRouteSpec, place: Place | undefined): Verdict {
  if (spec.access === 'public') return 'allow'
  if (facts.kind === 'nobody') return '401'
  return facts.kind === 'key' ? verdictOfKey(facts, spec, place) : verdictOfPerson(facts, spec, place)
}

function verdictOfKey({ scopes, place: home }: KeyFacts, { access, tenant }: AnyRouteSpec, place: Place | undefined): Verdict {
  if (places[home].deleted) return '401'
  const isScope = access !== 'session' && access !== 'staff' && access !== 'public' && !isAccountPermission(access)
  if (!isScope || !scopesHave(scopes, access)) return '403 forbidden'
  // A key is always at home: a header does not lead it elsewhere, and another path leads nowhere.
  return tenant !== undefined && place !== home ? '404 not_found' : 'allow'
}

function verdictOfPerson(facts: PersonFacts, spec: AnyRouteSpec, place: Place | undefined): Verdict {
  if (facts.over) return '401'
  const { access, stepUp } = spec
  const reached = rightsOf(facts, access, spec, place)
  if (reached !== 'allow') return reached
  return stepUp === true && facts.stalePassword ? '403 reauthentication_required' : 'allow'
}

function rightsOf(facts: PersonFacts, access: AnyRouteSpec['access'], spec: AnyRouteSpec, place: Place | undefined): Verdict {
  if (access === 'session' || access === 'public') return 'allow'
  if (access === 'staff') {
    if (!facts.staff) return '403 forbidden'
    return facts.secondFactor ? 'allow' : '403 second_factor_required'
  }
  return isAccountPermission(access) ? inAccount(facts, access, place) : inOrganization(facts, access, spec, place)
}

function inAccount(facts: PersonFacts, access: AccountPermission, place: Place | undefined): Verdict {
  const account = place === undefined ? facts.account : places[place].account
  const isOwn = account === facts.account
  const roles: AccountActingRole[] = [
    ...(isOwn && facts.accountRole ? [facts.accountRole] : []),
    ...(facts.staff ? (['staff'] as const) : []),
  ]
  if (roles.length === 0 && !isOwn) return '404 not_found'
  const holding = roles.filter((role) => accountRoleHas(role, access))
  if (holding.length === 0) return '403 forbidden'
  const strict = Object.values(places).some((one) => one.account === account && one.strict && !one.deleted)
  return secondFactorSuffices(facts, holding, strict)
}

/** Staff as such always need a second factor; others where it is required. */
function secondFactorSuffices(facts: PersonFacts, holding: readonly string[], strict: boolean): Verdict {
  const needed = strict || holding.every((role) => role === 'staff')
  return needed && !facts.secondFactor ? '403 second_factor_required' : 'allow'
}

function inOrganization(facts: PersonFacts, access: Permission, { tenant }: AnyRouteSpec, named: Place | undefined): Verdict {
  const place = named ?? facts.defaultPlace
  const roles = place === undefined || (places[place].deleted && tenant !== 'deleted') ? [] : organizationRoles(facts, place)
  if (place === undefined || roles.length === 0) return named === undefined ? '403 forbidden' : '404 not_found'
  const holding = roles.filter((role) => roleHas(role, access))
  return holding.length === 0 ? '403 forbidden' : secondFactorSuffices(facts, holding, places[place].strict)
}

/** What the person acts as in an organization, if the session suffices. */
export function organizationRoles(facts: PersonFacts, place: Place): ActingRole[] {
  const role = facts.roles?.[place]
  const inAccountOfPlace = facts.accountRole !== undefined && facts.account === places[place].account
  return [...(role ? [role] : []), ...(inAccountOfPlace ? (['account_admin'] as const) : []), ...(facts.staff ? (['staff'] as const) : [])]
}

/** Where a request to the route can want to act. */
export function placesOf({ access, tenant }: AnyRouteSpec): (Place | undefined)[] {
  if (access === 'public' || access === 'session' || access === 'staff') return [undefined]
  // An account is not chosen by a header.
  if (isAccountPermission(access)) return tenant === undefined ? [undefined] : ['main', 'foreign']
  const all = Object.keys(places) as Place[]
  return tenant === undefined ? [undefined, ...all] : all
}
