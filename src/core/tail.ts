import * as z from 'zod'
import { shardNumberMax, tailShardsMax } from './limits.ts'

/** What the Worker asks of LiveTail in the header `tailHeader` of an upgrade request, after it verified the ticket. */
const tailConnectSchema = z.strictObject({
  organizationId: z.string(),
  /** `kind:id` of everything whose end also ends this connection: the person, their session, or the key. */
  holders: z.array(z.string()),
  ticket: z.strictObject({ id: z.string(), issuedMs: z.number(), expiresMs: z.number() }),
  /** When the key or session expires; null for never. */
  accessEndsMs: z.number().nullable(),
  /** How long the organization keeps its logs now: a `Retention`. */
  retention: z.strictObject({ retentionDays: z.int().nullable(), version: z.int() }),
  q: z.string(),
  cursor: z.string().optional(),
  /** Every shard that the organization has now. */
  shards: z.array(z.strictObject({ region: z.string(), number: z.int().min(0).max(shardNumberMax) })).max(tailShardsMax),
})
export type TailConnect = z.output<typeof tailConnectSchema>

/** LiveTail's answer when it does not upgrade; `code` is one of src/core/problems.ts. */
export const tailRefusalSchema = z.strictObject({
  code: z.enum(['invalid_cursor', 'invalid_query', 'invalid_token', 'rate_limited']),
  detail: z.string(),
})
export type TailRefusal = z.output<typeof tailRefusalSchema>

/** Header of an upgrade request to LiveTail: a `TailConnect`, see `encodeTailConnect`. */
export const tailHeader = 'X-Edgelog-Tail'

/** ASCII, as header values must be. */
export function encodeTailConnect(connect: TailConnect): string {
  return encodeURIComponent(JSON.stringify(connect))
}

/** Throws for anything that `encodeTailConnect` did not make. */
export function decodeTailConnect(header: string | null): TailConnect {
  return tailConnectSchema.parse(JSON.parse(decodeURIComponent(header ?? '')))
}
