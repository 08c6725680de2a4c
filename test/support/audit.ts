import { env } from 'cloudflare:test'

/**
 * Fills an organization's audit log: `count` entries, one a millisecond from `firstMs` on, that a job made. Every tenth has the
 * action `tick.tenth`, the others `tick.plain`.
 */
export async function fillAuditLog(organizationId: string, count: number, firstMs: number): Promise<void> {
  await fill('audit_log', 'organization_id', organizationId, count, firstMs)
}

/** The same for the log of an account. */
export async function fillAccountAuditLog(accountId: string, count: number, firstMs: number): Promise<void> {
  await fill('account_audit_log', 'account_id', accountId, count, firstMs)
}

async function fill(table: string, owner: string, id: string, count: number, firstMs: number): Promise<void> {
  await env.DB.prepare(
    `insert into ${table} (${owner}, id, actor_kind, action, target_kind, target_id, request_id, created_at)
     with recursive n(i) as (select 0 union all select i + 1 from n where i < ?1 - 1)
     select ?2, format('%08x-%04x-7000-8000-%012x', (?3 + i) >> 16, (?3 + i) & 65535, i), 'system',
       iif(i % 10 = 0, 'tick.tenth', 'tick.plain'), 'clock', 'c', 'r', ?3 + i from n`,
  )
    .bind(count, id, firstMs)
    .run()
}
