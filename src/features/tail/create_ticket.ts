import { tailTicketTtlMs } from '../../core/limits.ts'
import type { Actor, TenantCtx } from '../../db/context.ts'
import { signJwt } from '../auth/jwt.ts'

export const ticketType = 'edgelog-tail+jwt'

/** A pass for one WebSocket of the caller's organization: browsers cannot send headers with an upgrade. */
export async function createTailTicket(ctx: TenantCtx): Promise<{ ticket: string; expiresMs: number; url: string }> {
  const issuedMs = ctx.now()
  const claims = { jti: ctx.newId(), issued_ms: issuedMs, organization_id: ctx.tenant.organizationId, holders: holdersOf(ctx.actor) }
  const expiresMs = Math.floor(issuedMs / 1000) * 1000 + tailTicketTtlMs
  const ticket = await signJwt(ctx, ticketType, tailTicketTtlMs / 1000, claims)
  return { ticket, expiresMs, url: `${ctx.config.publicUrl.replace(/^http/, 'ws')}/ws/logs?ticket=${ticket}` }
}

function holdersOf(actor: Actor): string[] {
  switch (actor.kind) {
    case 'user':
      return [`user:${actor.userId}`, `session:${actor.sessionId}`]
    case 'api_key':
      return [`api_key:${actor.keyId}`]
    case 'system':
      throw new Error('a job has no ticket')
  }
}
