import type { ActingRole } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import type { Actor } from '../../db/context.ts'
import type { organizations } from '../../db/schema.ts'
import type { OrganizationJson } from './schema.ts'

type OrganizationRow = Pick<
  typeof organizations.$inferSelect,
  'id' | 'accountId' | 'name' | 'requireSecondFactor' | 'auditDays' | 'retentionDays' | 'createdAt' | 'updatedAt' | 'deletedAt'
>

/** A stored organization as the API shows it to somebody who acts in it as `roles`. */
export function organizationJson(row: OrganizationRow, roles: readonly ActingRole[]): OrganizationJson {
  const { id, accountId, name, requireSecondFactor, auditDays, retentionDays, createdAt, updatedAt, deletedAt } = row
  return {
    id,
    account_id: accountId,
    name,
    require_second_factor: requireSecondFactor,
    audit_days: auditDays,
    retention_days: retentionDays,
    roles: [...roles],
    created_at: isoTime(createdAt),
    updated_at: isoTime(updatedAt),
    deleted_at: deletedAt === null ? null : isoTime(deletedAt),
  }
}

/** The person behind a request that no key can make. */
export function personOf(actor: Actor): Extract<Actor, { kind: 'user' }> {
  if (actor.kind !== 'user') throw problem('forbidden', 'This needs a signed-in person; an API key cannot do it.')
  return actor
}

export function noSuchOrganization() {
  return problem('not_found', 'There is no such organization.')
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
