import { problem } from '../../core/problems.ts'
import { encodeTailConnect, tailHeader, tailRefusalSchema } from '../../core/tail.ts'
import type { TailConnect } from '../../core/tail.ts'
import type { BaseCtx } from '../../db/context.ts'
import { selectLogShards } from '../../db/log_shards.ts'
import { invalidToken, verifyJwt } from '../auth/jwt.ts'
import { ticketType } from './create_ticket.ts'
import { ticketClaims } from './schema.ts'
import type { TailQuery, TicketClaims } from './schema.ts'
import { findTicketAccess } from './ticket_access.ts'

/** What the ticket says; throws 401 when it is not one of ours or has expired. It costs no lookup. */
export async function readTicket(ctx: BaseCtx, ticket: string): Promise<TicketClaims> {
  const payload = await verifyJwt(ctx, ticketType, ticket, ['jti', 'issued_ms', 'organization_id', 'holders'])
  const claims = ticketClaims.safeParse(payload)
  if (!claims.success) throw invalidToken(claims.error)
  ctx.log.add({ actor: claims.data.holders[0], organization_id: claims.data.organization_id })
  return claims.data
}

/**
 * Opens the WebSocket of the ticket's organization; answers 101, or throws the problem that stands in the way. Whoever got
 * the ticket must still have the right: it may have ended in the minute since.
 */
export async function connectTail(ctx: BaseCtx, claims: TicketClaims, { q, cursor }: Pick<TailQuery, 'q' | 'cursor'>): Promise<Response> {
  const organizationId = claims.organization_id
  const [access, shards] = await ctx.db.batch([findTicketAccess(ctx, claims), selectLogShards(ctx, organizationId)])
  const [right] = access
  if (right === undefined) throw problem('invalid_token', 'The access that the ticket was made with has ended.')
  const response = await upgrade(ctx, {
    organizationId,
    // The end of the organization is the end of the right as well.
    holders: [...claims.holders, `organization:${organizationId}`],
    ticket: { id: claims.jti, issuedMs: claims.issued_ms, expiresMs: claims.exp * 1000 },
    accessEndsMs: right.endsMs,
    retention: { retentionDays: right.retentionDays, version: right.version ?? 0 },
    q,
    ...(cursor !== undefined && { cursor }),
    shards: shards.map(({ region, number }) => ({ region, number })),
  })
  if (response.status === 101) return response
  const refusal = tailRefusalSchema.parse(await response.json())
  throw problem(refusal.code, refusal.detail)
}

/** A request of our own making: nothing that the client sent reaches the object. */
async function upgrade(ctx: BaseCtx, connect: TailConnect): Promise<Response> {
  const headers = { Upgrade: 'websocket', [tailHeader]: encodeTailConnect(connect) }
  try {
    return await ctx.env.LIVE_TAIL.getByName(connect.organizationId).fetch('https://live-tail/', { headers })
  } catch (cause) {
    throw problem('unavailable', 'The live tail cannot be reached at the moment. Get a new ticket and try again.', { cause })
  }
}
