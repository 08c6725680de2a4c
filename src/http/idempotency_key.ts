import type { Context } from 'hono'
import * as z from 'zod'
import { idempotencyKeyCharsMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { AppEnv } from './route.ts'

/** Printable ASCII, which every client and proxy passes unchanged. */
const idempotencyKey = z
  .string()
  .regex(new RegExp(`^[\\x20-\\x7e]{1,${idempotencyKeyCharsMax}}$`), `must have 1 to ${idempotencyKeyCharsMax} printable ASCII characters`)

/** The request's Idempotency-Key, if it has one; throws a 400 problem for one that is not usable. */
export function idempotencyKeyOf(c: Context<AppEnv>): string | undefined {
  const header = c.req.header('Idempotency-Key')
  if (header === undefined) return undefined
  const parsed = idempotencyKey.safeParse(header)
  if (parsed.success) return parsed.data
  const reason = parsed.error.issues[0]?.message ?? 'is not valid'
  throw problem('validation_failed', `Idempotency-Key ${reason}.`, { details: { 'Idempotency-Key': [reason] } })
}
