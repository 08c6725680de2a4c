import * as fc from 'fast-check'
import { expect } from 'vitest'
import { invitationsPerEmailMax } from '../../src/core/limits.ts'
import { roleHas, roles } from '../../src/core/permissions.ts'
import type { ActingRole, Permission, Role, TeamRole } from '../../src/core/permissions.ts'
import { ask, checkInvariants, deleteForGood, everybody, newestToken, readBack } from './members_real.ts'
import type { Real } from './members_real.ts'

/*
 * What two organizations with some people may become, told as plainly as possible: each command says what the service must
 * answer, does the same to the model, and then both must agree. People and organizations are numbers here.
 */

export interface Model {
  /** By organization: the role of each member. */
  members: Map<number, Role>[]
  /** By organization: who is in its one team. */
  team: Map<number, TeamRole>[]
  /** By organization: open invitations, by who is invited. */
  invited: Map<number, { role: Role; by: number; id: string }>[]
  /** Invitations sent to each person within the hour. */
  mails: number[]
  deleted: Set<number>
}

type Command = fc.AsyncCommand<Model, Real>
type Act = (model: Model, real: Real) => Promise<void>

export function membershipCommands(maxCommands: number) {
  // Mostly the first organization and its founder, else little would come to pass: strangers are refused.
  const [org, one, two, role] = [fc.constantFrom(0, 0, 0, 1), fc.constantFrom(0, 0, 1, 2, 3), fc.nat(3), fc.constantFrom(...roles)]
  const often = [
    fc.tuple(one, org, two, role).map(([by, at, who, as]) => command(`${by} invites ${who} to ${at} as ${as}`, invite(by, at, who, as))),
    fc.tuple(one, org, role).map(([by, at, as]) => command(`${by} invites an outsider to ${at} as ${as}`, inviteOutsider(by, at, as))),
    fc.nat(9).map((nth) => command(`invitation ${nth} is accepted`, acceptAny(nth))),
    fc.tuple(one, org, two, role).map(([by, at, who, as]) => command(`${by} makes ${who} ${as} of ${at}`, change(by, at, who, as))),
    fc.tuple(one, org, two).map(([by, at, who]) => command(`${by} puts ${who} into the team of ${at}`, join(by, at, who))),
  ]
  const sometimes = [
    fc.tuple(one, org, two).map(([by, at, who]) => command(`${by} revokes what invites ${who} to ${at}`, revoke(by, at, who))),
    fc.tuple(one, org, two).map(([by, at, who]) => command(`${by} removes ${who} from ${at}`, remove(by, at, who))),
    fc.tuple(one, org).map(([who, at]) => command(`${who} leaves ${at}`, leave(who, at))),
    fc.tuple(one, org, two).map(([by, at, who]) => command(`${by} hands ${at} over to ${who}`, transfer(by, at, who))),
    fc.tuple(one, org, two).map(([by, at, who]) => command(`${by} takes ${who} out of the team of ${at}`, drop(by, at, who))),
    org.map((at) => command(`all owners of ${at} are demoted at once`, allDemoted(at))),
  ]
  const rarely = [
    fc.constantFrom(0, 2, 3).map((who) => command(`${who} is deleted`, deleteUser(who))),
    org.map((at) => command(`everybody leaves ${at} at once`, allLeave(at))),
  ]
  return fc.commands([...often, ...often, ...often, ...often, ...sometimes, ...sometimes, ...rarely], { maxCommands, size: 'max' })
}

function command(name: string, act: Act): Command {
  return {
    check: () => true,
    async run(model, real) {
      await act(model, real)
      await checkInvariants(real, model)
    },
    toString: () => name,
  }
}

/** The first people founded the organizations and run their accounts. */
function actingRoles(model: Model, at: number, who: number): ActingRole[] {
  const role = model.members[at]?.get(who)
  return [...(role === undefined ? [] : [role]), ...(who === at ? (['account_admin'] as const) : [])]
}

function may(model: Model, at: number, who: number, permission: Permission): boolean {
  return actingRoles(model, at, who).some((role) => roleHas(role, permission))
}

/** How a route refuses somebody; undefined when it does not. */
function gate(model: Model, at: number, who: number, permission: Permission): number | undefined {
  if (model.deleted.has(who)) return 401
  if (actingRoles(model, at, who).length === 0) return 404
  return may(model, at, who, permission) ? undefined : 403
}

function isLiveMember(model: Model, at: number, who: number): boolean {
  return !model.deleted.has(who) && membersOf(model, at).has(who)
}

function isLastOwner(model: Model, at: number, who: number): boolean {
  const owners = [...membersOf(model, at)].filter(([person, role]) => role === 'owner' && !model.deleted.has(person))
  return owners.length === 1 && owners[0]?.[0] === who
}

function membersOf(model: Model, at: number): Map<number, Role> {
  return model.members[at] ?? new Map<number, Role>()
}

function endInvitationsBy(model: Model, at: number, by: number, to: (role: Role) => boolean): void {
  for (const [who, invitation] of model.invited[at] ?? []) if (invitation.by === by && to(invitation.role)) model.invited[at]?.delete(who)
}

function ownersAreConcerned(model: Model, at: number, by: number, ...concerned: (Role | undefined)[]): boolean {
  return concerned.includes('owner') && !may(model, at, by, 'members:owners')
}

function invite(by: number, at: number, who: number, role: Role): Act {
  return async (model, real) => {
    const expected = (): number => {
      const refused = gate(model, at, by, 'members:write')
      if (refused !== undefined) return refused
      if (ownersAreConcerned(model, at, by, role)) return 403
      if (by === who) return 422
      if (isLiveMember(model, at, who)) return 409
      return (model.mails[who] ?? 0) >= invitationsPerEmailMax ? 429 : 201
    }
    const status = expected()
    const response = await ask(real, by, at, 'POST', 'invitations', { email: real.people[who]?.email, role })
    expect(response.status).toBe(status)
    if (status !== 201) return
    model.mails[who] = (model.mails[who] ?? 0) + 1
    model.invited[at]?.set(who, { role, by, id: (await response.json<{ id: string }>()).id })
    real.tokens.set(`${at}/${who}`, await newestToken(real, who))
  }
}

function inviteOutsider(by: number, at: number, role: Role): Act {
  return async (model, real) => {
    const outsiders = everybody(real).filter((who) => who !== by && !isLiveMember(model, at, who))
    await invite(by, at, outsiders[0] ?? by, role)(model, real)
  }
}

/** With the newest token that a person has for an organization, used or not. */
function acceptAny(nth: number): Act {
  return async (model, real) => {
    const keys = [...real.tokens.keys()]
    const [at = 0, who = 0] = (keys[nth % keys.length] ?? '0/0').split('/').map(Number)
    await accept(who, at)(model, real)
  }
}

function accept(who: number, at: number): Act {
  return async (model, real) => {
    const invitation = model.invited[at]?.get(who)
    const status = model.deleted.has(who) ? 401 : invitation === undefined ? 400 : membersOf(model, at).has(who) ? 409 : 200
    // Without an open invitation: with the token of one that is over, if there was any.
    const token = real.tokens.get(`${at}/${who}`) ?? 'x'.repeat(43)
    const response = await ask(real, who, undefined, 'POST', '/api/v1/invitations/accept', { token })
    expect(response.status).toBe(status)
    if (status === 200 && invitation) model.members[at]?.set(who, invitation.role)
    if (status === 200 || status === 409) model.invited[at]?.delete(who)
  }
}

function revoke(by: number, at: number, who: number): Act {
  return async (model, real) => {
    const invitation = model.invited[at]?.get(who)
    const status =
      gate(model, at, by, 'members:write') ??
      (invitation === undefined ? 404 : ownersAreConcerned(model, at, by, invitation.role) ? 403 : 204)
    const id = invitation?.id ?? crypto.randomUUID()
    expect((await ask(real, by, at, 'DELETE', `invitations/${id}`)).status).toBe(status)
    if (status === 204) model.invited[at]?.delete(who)
  }
}

function change(by: number, at: number, who: number, role: Role): Act {
  return async (model, real) => {
    const before = membersOf(model, at).get(who)
    const expected = (): number => {
      const refused = gate(model, at, by, 'members:write')
      if (refused !== undefined) return refused
      if (before === undefined || model.deleted.has(who)) return 404
      if (ownersAreConcerned(model, at, by, before, role)) return 403
      if (before === role) return 200
      if (by === who && roles.indexOf(role) < roles.indexOf(before)) return 403
      return isLastOwner(model, at, who) ? 409 : 200
    }
    const status = expected()
    expect((await ask(real, by, at, 'PATCH', `members/${real.people[who]?.userId}`, { role })).status).toBe(status)
    if (status === 200 && before !== role) setRole(model, at, who, role)
  }
}

function setRole(model: Model, at: number, who: number, role: Role): void {
  model.members[at]?.set(who, role)
  endInvitationsBy(model, at, who, (to) => !roleHas(role, 'members:write') || (to === 'owner' && !roleHas(role, 'members:owners')))
}

function remove(by: number, at: number, who: number): Act {
  return async (model, real) => {
    const expected = (): number => {
      const refused = gate(model, at, by, 'members:write')
      if (refused !== undefined) return refused
      if (!isLiveMember(model, at, who)) return 404
      if (ownersAreConcerned(model, at, by, membersOf(model, at).get(who))) return 403
      return isLastOwner(model, at, who) ? 409 : 204
    }
    const status = expected()
    expect((await ask(real, by, at, 'DELETE', `members/${real.people[who]?.userId}`)).status).toBe(status)
    if (status === 204) forget(model, at, who)
  }
}

function leave(who: number, at: number): Act {
  return async (model, real) => {
    const status = gate(model, at, who, 'members:read') ?? (isLiveMember(model, at, who) ? (isLastOwner(model, at, who) ? 409 : 204) : 404)
    expect((await ask(real, who, at, 'POST', 'leave')).status).toBe(status)
    if (status === 204) forget(model, at, who)
  }
}

function forget(model: Model, at: number, who: number): void {
  model.members[at]?.delete(who)
  model.team[at]?.delete(who)
  endInvitationsBy(model, at, who, () => true)
}

function transfer(by: number, at: number, who: number): Act {
  return async (model, real) => {
    const status = gate(model, at, by, 'organization:transfer') ?? (by === who || !isLiveMember(model, at, who) ? 422 : 200)
    expect((await ask(real, by, at, 'POST', 'transfer', { user_id: real.people[who]?.userId })).status).toBe(status)
    if (status !== 200) return
    setRole(model, at, by, 'admin')
    model.members[at]?.set(who, 'owner')
  }
}

function managesTeam(model: Model, at: number, who: number): boolean {
  return may(model, at, who, 'teams:write') || model.team[at]?.get(who) === 'manager'
}

function join(by: number, at: number, who: number): Act {
  return async (model, real) => {
    const role: TeamRole = who % 2 === 0 ? 'manager' : 'member'
    const expected = (): number => {
      const refused = gate(model, at, by, 'teams:read')
      if (refused !== undefined) return refused
      if (!managesTeam(model, at, by)) return 403
      if (!isLiveMember(model, at, who)) return 422
      return model.team[at]?.has(who) === true ? 409 : 201
    }
    const status = expected()
    const path = `/api/v1/teams/${real.teams[at]}/members`
    expect((await ask(real, by, at, 'POST', path, { user_id: real.people[who]?.userId, role })).status).toBe(status)
    if (status === 201) model.team[at]?.set(who, role)
  }
}

function drop(by: number, at: number, who: number): Act {
  return async (model, real) => {
    const expected = (): number => {
      const refused = gate(model, at, by, 'teams:read')
      if (refused !== undefined) return refused
      if (by !== who && !managesTeam(model, at, by)) return 403
      return model.team[at]?.has(who) === true ? 204 : 404
    }
    const status = expected()
    expect((await ask(real, by, at, 'DELETE', `/api/v1/teams/${real.teams[at]}/members/${real.people[who]?.userId}`)).status).toBe(status)
    if (status === 204) model.team[at]?.delete(who)
  }
}

function deleteUser(who: number): Act {
  return async (model, real) => {
    const organizations = [0, 1]
    // The founders are the last owners of their accounts.
    const stays = model.deleted.has(who) || organizations.includes(who) || organizations.some((at) => isLastOwner(model, at, who))
    expect(await deleteForGood(real, who)).toBe(!stays)
    if (stays) return
    model.deleted.add(who)
    for (const at of organizations) endInvitationsBy(model, at, who, () => true)
  }
}

function allLeave(at: number): Act {
  return async (model, real) => {
    const people = everybody(real).filter((who) => isLiveMember(model, at, who))
    const answers = await Promise.all(people.map((who) => ask(real, who, at, 'POST', 'leave')))
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(1)
    expect(answers.filter(({ status }) => ![204, 409].includes(status))).toEqual([])
    const { members } = await readBack(real, at)
    for (const who of people) if (!members.has(who)) forget(model, at, who)
  }
}

function allDemoted(at: number): Act {
  return async (model, real) => {
    const owners = everybody(real).filter((who) => isLiveMember(model, at, who) && membersOf(model, at).get(who) === 'owner')
    // By who runs the account: the right to it does not go with the role.
    const answers = await Promise.all(
      owners
        .flatMap((who) => [who, who])
        .map((who) => ask(real, at, at, 'PATCH', `members/${real.people[who]?.userId}`, { role: 'viewer' })),
    )
    expect(answers.filter(({ status }) => ![200, 409].includes(status))).toEqual([])
    const { members } = await readBack(real, at)
    expect(owners.filter((who) => members.get(who) === 'owner')).toHaveLength(1)
    for (const who of owners) if (members.get(who) === 'viewer') setRole(model, at, who, 'viewer')
  }
}
