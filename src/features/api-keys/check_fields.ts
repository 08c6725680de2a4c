import { scopesOutsideKind } from '../../core/permissions.ts'
import type { KeyKind, Scope } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'

/** What a key may be given depends on its kind, the time and the deployment; each is absent where it stays as it is. */
interface Fields {
  kind: KeyKind
  scopes?: readonly Scope[] | undefined
  expiresAt?: number | null | undefined
  rateLimitPerMinute?: number | null | undefined
}

/** Throws 400 naming the field that a key cannot have. */
export function checkFields(ctx: Pick<BaseCtx, 'now' | 'config'>, { kind, scopes = [], expiresAt, rateLimitPerMinute }: Fields): void {
  const outside = scopesOutsideKind(kind, scopes)
  if (outside.length > 0) throw invalid('scopes', `a key of kind ${kind} cannot have ${outside.join(', ')}`)
  if (typeof expiresAt === 'number' && !(expiresAt > ctx.now())) throw invalid('expires_at', 'must be in the future')
  const { apiKeyPerMinute } = ctx.config.rateLimits
  if (typeof rateLimitPerMinute === 'number' && rateLimitPerMinute > apiKeyPerMinute)
    throw invalid('rate_limit_per_minute', `must be at most ${apiKeyPerMinute}, which every key here is held to`)
}

function invalid(field: string, message: string) {
  return problem('validation_failed', `The request is not valid. ${field}: ${message}`, { details: { [field]: [message] } })
}
