import type { Permission } from '../../../src/core/permissions.ts'
import { memberships } from '../../../src/db/schema.ts'
import { savedFilters } from '../../../src/db/schema_content.ts'
import { invitations, teamMemberships, teams } from '../../../src/db/schema_identity.ts'
import { teamNameKey } from '../../../src/features/teams/name_key.ts'
import { testCtx } from '../world.ts'

/** Ids of what a request is about: made anew for each, as it may delete them. */
export interface Things {
  organization: string
  /** Its manager is the cast's. */
  team: string
  /** A user who is one of several owners. */
  owner: string
  /** An open one, to become an owner. */
  invitation: string
  /** Shared by the owner. */
  filter: string
}

/** A right that a verb asks for beyond that of its route: over a team, over owners, to share, to read logs. */
export interface InnerCase {
  id: string
  /** What the request is about, where a route has several. */
  what?: string
  needs: Permission
  /** Whether a manager of the team may as well. */
  orManager?: true
  /** Whether the password is wanted again. */
  stepUp?: true
  request(things: Things): { path: string; json?: unknown }
}

const nobodysId = '01923f00-0000-7000-8000-00000000000a'
const unique = () => crypto.randomUUID()
const organizationPath = ({ organization }: Things) => `/api/v1/organizations/${organization}`
const teamPath = ({ team }: Things) => `/api/v1/teams/${team}`
const memberPath = (things: Things) => `${organizationPath(things)}/members/${things.owner}`
const invitationPath = (things: Things) => `${organizationPath(things)}/invitations/${things.invitation}`
const filterPath = ({ filter }: Things) => `/api/v1/saved-filters/${filter}`
const invite = (things: Things, role: string) => ({
  path: `${organizationPath(things)}/invitations`,
  json: { email: `${unique()}@example.com`, role },
})
const wholeFilter = (shared: boolean) => ({ name: unique(), definition: {}, shared })

const ofTeams = { needs: 'teams:write', orManager: true } as const
const ofOwners = { needs: 'members:owners', stepUp: true } as const
const ofShared = { needs: 'saved_filters:share' } as const
const ofLogs = { needs: 'logs:read' } as const
const wholeRule = () => ({ name: unique(), definition: { threshold: 1 } })

export const innerCases: readonly InnerCase[] = [
  ...(['teams.update', 'teams.replace'] as const).map((id): InnerCase => ({
    id,
    ...ofTeams,
    request: (things) => ({ path: teamPath(things), json: { name: unique(), description: '' } }),
  })),
  {
    id: 'team_members.create',
    ...ofTeams,
    request: (things) => ({ path: `${teamPath(things)}/members`, json: { user_id: nobodysId, role: 'member' } }),
  },
  {
    id: 'team_members.update',
    ...ofTeams,
    request: (things) => ({ path: `${teamPath(things)}/members/${nobodysId}`, json: { role: 'member' } }),
  },
  { id: 'team_members.delete', ...ofTeams, request: (things) => ({ path: `${teamPath(things)}/members/${nobodysId}` }) },
  ...(['members.update', 'members.replace'] as const).map((id): InnerCase => ({
    id,
    what: 'an owner',
    ...ofOwners,
    request: (things) => ({ path: memberPath(things), json: { role: 'viewer' } }),
  })),
  { id: 'members.delete', what: 'an owner', ...ofOwners, request: (things) => ({ path: memberPath(things) }) },
  { id: 'invitations.create', what: 'an owner', ...ofOwners, request: (things) => invite(things, 'owner') },
  {
    id: 'invitations.create',
    what: 'an admin',
    needs: 'members:write',
    stepUp: true,
    request: (things) => invite(things, 'admin'),
  },
  { id: 'invitations.resend', what: 'an owner', ...ofOwners, request: (things) => ({ path: `${invitationPath(things)}/resend` }) },
  { id: 'invitations.delete', what: 'an owner', ...ofOwners, request: (things) => ({ path: invitationPath(things) }) },
  {
    id: 'saved_filters.create',
    what: 'a shared one',
    ...ofShared,
    request: () => ({ path: '/api/v1/saved-filters', json: wholeFilter(true) }),
  },
  ...(['saved_filters.update', 'saved_filters.replace'] as const).map((id): InnerCase => ({
    id,
    what: 'a shared one',
    ...ofShared,
    request: (things) => ({ path: filterPath(things), json: wholeFilter(true) }),
  })),
  { id: 'saved_filters.delete', what: 'a shared one', ...ofShared, request: (things) => ({ path: filterPath(things) }) },
  { id: 'alert_notifications.list', needs: 'channels:read', request: () => ({ path: `/api/v1/alerts/${nobodysId}/notifications` }) },
  ...(['alerts.update', 'alerts.replace', 'alerts.get'] as const).map((id): InnerCase => ({
    id,
    ...ofLogs,
    request: () => ({ path: `/api/v1/alerts/${nobodysId}`, ...(id !== 'alerts.get' && { json: wholeRule() }) }),
  })),
  { id: 'alerts.create', ...ofLogs, request: () => ({ path: '/api/v1/alerts', json: wholeRule() }) },
  { id: 'alert_history.list', ...ofLogs, request: () => ({ path: `/api/v1/alerts/${nobodysId}/history` }) },
  {
    id: 'alert_notifications.retry',
    ...ofLogs,
    request: () => ({ path: `/api/v1/alerts/${nobodysId}/notifications/${nobodysId}/retry` }),
  },
  { id: 'alerts.test', needs: 'logs:read', request: () => ({ path: `/api/v1/alerts/${nobodysId}/test`, json: {} }) },
  { id: 'alerts.preview', needs: 'logs:read', request: () => ({ path: '/api/v1/alerts/preview', json: { definition: { threshold: 1 } } }) },
  {
    id: 'tasks.create',
    what: 'an erasure',
    needs: 'logs:delete',
    stepUp: true,
    // Of no logs, as it is carried out.
    request: () => ({ path: '/api/v1/tasks', json: { kind: 'erase', params: { q: unique(), to: '2000-01-01' } } }),
  },
  {
    id: 'tasks.create',
    what: 'an archive',
    needs: 'logs:archive',
    request: () => ({ path: '/api/v1/tasks', json: { kind: 'archive', params: { q: unique(), to: '2000-01-01' } } }),
  },
  { id: 'dashboards.data', needs: 'logs:read', request: () => ({ path: `/api/v1/dashboards/${nobodysId}/data` }) },
]

export async function makeThings({
  organization,
  owner,
  manager,
}: {
  organization: string
  owner: string
  manager: string
}): Promise<Things> {
  const { db, newId, now } = testCtx()
  const [team, invitation, filter] = [newId(), newId(), newId()]
  const times = { createdAt: now(), updatedAt: now() }
  const inOrganization = { organizationId: organization }
  await db.batch([
    db.insert(teams).values({ ...inOrganization, ...times, id: team, name: team, nameKey: teamNameKey(team) }),
    db.insert(teamMemberships).values({ ...inOrganization, teamId: team, userId: manager, role: 'manager', createdAt: now() }),
    db
      .insert(memberships)
      .values({ ...inOrganization, userId: owner, role: 'owner', createdAt: now() })
      .onConflictDoUpdate({ target: [memberships.userId, memberships.organizationId], set: { role: 'owner' } }),
    db.insert(invitations).values({
      ...inOrganization,
      ...times,
      id: invitation,
      email: `${invitation}@example.com`,
      role: 'owner',
      tokenHash: invitation,
      invitedBy: owner,
      expiresAt: now() + 60_000,
    }),
    db.insert(savedFilters).values({ ...inOrganization, ...times, id: filter, userId: owner, name: filter, definition: {}, shared: true }),
  ])
  return { organization, team, owner, invitation, filter }
}
