import { env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { dayMs } from '../../src/core/calendar.ts'
import { auditDaysDefault, auditRemovedRows } from '../../src/core/limits.ts'
import { organizations } from '../../src/db/schema.ts'
import { forgetOldAuditEntries } from '../../src/features/audit/forget_old.ts'
import { fillAccountAuditLog, fillAuditLog } from '../support/audit.ts'
import { createWorld, testCtx } from '../support/world.ts'

async function ticks(table: 'audit_log' | 'account_audit_log', owner: string): Promise<number | null> {
  const column = table === 'audit_log' ? 'organization_id' : 'account_id'
  const found = await env.DB.prepare(`select count(*) as n from ${table} where ${column} = ? and action like 'tick.%'`)
    .bind(owner)
    .first('n')
  return found as number | null
}

async function keep(organizationId: string, auditDays: number): Promise<void> {
  await testCtx().db.update(organizations).set({ auditDays }).where(eq(organizations.id, organizationId))
}

describe('retention of the audit log', () => {
  it('removes what is older than its organization keeps it, to the millisecond, and nothing else', async () => {
    const [short, usual] = [await createWorld(), await createWorld()]
    await keep(short.organizationId, 30)
    const now = Date.now()
    // Ten entries before the first that is kept, and ten from it on.
    await fillAuditLog(short.organizationId, 20, now - 30 * dayMs - 10)
    await fillAuditLog(usual.organizationId, 20, now - 30 * dayMs - 10)
    const ctx = { ...testCtx(), now: () => now }
    await forgetOldAuditEntries(ctx)
    expect(await ticks('audit_log', short.organizationId)).toBe(10)
    expect(await ticks('audit_log', usual.organizationId)).toBe(20)
    await forgetOldAuditEntries(ctx)
    expect(await ticks('audit_log', short.organizationId)).toBe(10)
  })

  it('goes in slices to the end', async () => {
    const { organizationId } = await createWorld()
    await fillAuditLog(organizationId, auditRemovedRows + 3, Date.now() - (auditDaysDefault + 1) * dayMs)
    await forgetOldAuditEntries(testCtx())
    expect(await ticks('audit_log', organizationId)).toBe(0)
  })

  it('keeps what happened to an account as long as the organization of it that keeps longest', async () => {
    const [long, short] = [await createWorld(), await createWorld()]
    await keep(long.organizationId, 400)
    await keep(short.organizationId, 30)
    for (const { accountId } of [long, short]) await fillAccountAuditLog(accountId, 5, Date.now() - 390 * dayMs)
    await forgetOldAuditEntries(testCtx())
    expect(await ticks('account_audit_log', long.accountId)).toBe(5)
    expect(await ticks('account_audit_log', short.accountId)).toBe(0)
  })
})
