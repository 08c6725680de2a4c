import { problem } from '../../core/problems.ts'
import { encodeTailConnect, tailHeader, tailRefusalSchema } from '../../core/tail.ts'
import type { TailConnect } from '../../core/tail.ts'
import type { BaseCtx } from '../../db/context.ts'
import { listLogShards } from '../../db/log_shards.ts'
import { verifyJwt } from '../auth/jwt.ts'
import { ticketType } from './create_ticket.ts'
import { ticketClaims } from './schema.ts'
import type { TailQuery } from './schema.ts'

/** Opens the WebSocket of the ticket's organization; answers 101, or throws the problem that stands in the way. */
export async function connectTail(ctx: BaseCtx, { ticket, q, cursor }: TailQuery): Promise<Response> {
  const claims = ticketClaims.parse(await verifyJwt(ctx, ticketType, ticket, ['jti', 'organization_id', 'holders']))
  const organizationId = claims.organization_id
  ctx.log.add({ actor: claims.holders[0], organization_id: organizationId })
  const response = await upgrade(ctx, {
    organizationId,
    holders: claims.holders,
    ticket: { id: claims.jti, expiresMs: claims.exp * 1000 },
    q,
    ...(cursor !== undefined && { cursor }),
    shards: await listLogShards(ctx, organizationId),
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
