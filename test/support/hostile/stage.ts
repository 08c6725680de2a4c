import { keyKinds, roles } from '../../../src/core/permissions.ts'
import type { KeyKind, Role } from '../../../src/core/permissions.ts'
import { accountMemberships } from '../../../src/db/schema.ts'
import type { AnyRouteSpec } from '../../../src/http/route.ts'
import { routes } from '../../../src/routes.ts'
import { fillPath, makeAndDelete, thingMakers } from './samples.ts'
import { forgetPassword, makeStaff } from '../tenancy.ts'
import { callFrom, createWorld, randomAddress, testCtx } from '../world.ts'
import type { CallOptions, Person, World } from '../world.ts'

/** Who plays: an attacker with every kind of credential of one tenant, and a victim tenant that owns things. */
export interface Stage {
  attacker: World
  victim: World
  people: Record<Role, Person>
  /** An owner of the attacker's whose password was proved too long ago. */
  stale: Person
  /** Staff, for routes that ask it. */
  staff: Person
  keys: Record<KeyKind, string>
  /** By route path: an id that the victim owns, and one that the attacker owned and deleted. */
  foreign: Map<string, string>
  gone: Map<string, string>
}

export async function setStage(): Promise<Stage> {
  const [attacker, victim] = [await createWorld(), await createWorld()]
  const people: [Role, Person][] = []
  for (const role of roles) people.push([role, role === 'owner' ? attacker.owner : await attacker.addMember(role)])
  const stale = await staleOwner(attacker)
  const staff = await attacker.addMember('viewer')
  await makeStaff(staff)
  const keys: [KeyKind, string][] = []
  for (const kind of keyKinds) keys.push([kind, (await attacker.createKey(kind)).key])
  const [foreign, gone] = [new Map<string, string>(), new Map<string, string>()]
  for (const path of new Set(routes.map(({ spec }) => spec.path))) {
    const make = thingMakers[path]
    if (!make) continue
    foreign.set(path, await make(victim))
    gone.set(path, await makeAndDelete(attacker, path, make))
  }
  return { attacker, victim, people: Object.fromEntries(people), stale, staff, keys: Object.fromEntries(keys), foreign, gone } as Stage
}

/** Owner of the organization and of the account. */
async function staleOwner({ addMember, accountId }: World): Promise<Person> {
  const person = await addMember('owner')
  await testCtx().db.insert(accountMemberships).values({ userId: person.userId, accountId, role: 'owner', createdAt: Date.now() })
  await forgetPassword(person)
  return person
}

/** A new address for each request would be looked up in KV each time. */
const addresses = Array.from({ length: 1_000 }, randomAddress)
let sent = 0

/** A request to the route as the attacker's owner (or staff), from as many addresses that no rate limit answers first. */
export async function send(
  stage: Stage,
  spec: AnyRouteSpec,
  { path, ...options }: CallOptions & { path?: string } = {},
): Promise<Response> {
  const person = spec.access === 'staff' ? stage.staff : stage.attacker.owner
  const as = spec.access === 'public' ? undefined : person.accessToken
  const address = addresses[sent++ % addresses.length] ?? ''
  return callFrom(address, path ?? openPathOf(stage, spec), { method: spec.method.toUpperCase(), as, ...options })
}

/**
 * The address at which a request comes to be looked at: things are the victim's, but the organization or account that a path
 * names is the attacker's own, else nothing but that would be refused.
 */
export function openPathOf(stage: Stage, spec: AnyRouteSpec): string {
  if (spec.tenant === undefined) return pathOf(stage, spec)
  const { organizationId, accountId } = stage.attacker
  const own = spec.path.startsWith('/api/v1/accounts/') ? accountId : organizationId
  const [, ...things] = (stage.foreign.get(spec.path) ?? '').split(' ')
  return fillPath(spec.path, [own, ...things].join(' '))
}

/** The route's address with every parameter filled by an id of the victim. */
export function pathOf(stage: Stage, { path }: AnyRouteSpec): string {
  return fillPath(path, stage.foreign.get(path) ?? 'unknown')
}
