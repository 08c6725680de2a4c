import { eq } from 'drizzle-orm'
import { auditLog } from '../../src/db/schema_audit.ts'
import type { Person, World } from '../support/world.ts'
import { testCtx } from '../support/world.ts'

export interface Answer<T> {
  status: number
  body: T
  headers: Headers
}

/** Answer of a call as the given person, or as the owner, with its body whatever it is. */
export async function ask<T = Record<string, unknown>>(
  world: World,
  method: string,
  path: string,
  { as = world.owner, json, headers }: { as?: Pick<Person, 'accessToken'>; json?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer<T>> {
  const response = await world.call(path, { method, as: as.accessToken, json, ...(headers && { headers }) })
  const text = await response.text()
  return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T, headers: response.headers }
}

/** What the audit log has of things of one kind, oldest first. */
export async function auditOf({ organizationId }: World, targetKind: string) {
  const rows = await testCtx().db.select().from(auditLog).where(eq(auditLog.organizationId, organizationId)).orderBy(auditLog.id)
  return rows
    .filter((row) => row.targetKind === targetKind)
    .map(({ action, actorId, details, changes }) => ({ action, actorId, details, changes }))
}
