import { asc, eq } from 'drizzle-orm'
import { accountAuditLog } from '../../src/db/schema_audit.ts'
import { testCtx } from './world.ts'

/** Entries about this target in the logs of accounts, the oldest first. */
export async function accountEntriesOf(targetId: string) {
  const entries = await testCtx()
    .db.select()
    .from(accountAuditLog)
    .where(eq(accountAuditLog.targetId, targetId))
    .orderBy(asc(accountAuditLog.id))
  return entries.map(({ accountId, action, actorId, sessionId, details, changes }) => ({
    accountId,
    action,
    actorId,
    sessionId,
    details,
    changes,
  }))
}
