import { requirePermission } from '../../db/actor_may.ts'
import type { TenantCtx } from '../../db/context.ts'

/**
 * Rules read logs for whoever makes them, and groups, history and notices hold what they found: nobody sees or makes them who may not
 * read logs. Throws 403; `what` begins the sentence: "Making a rule".
 */
export function requireLogs(ctx: Pick<TenantCtx, 'actor'>, what: string): void {
  requirePermission(ctx, 'logs:read', `${what}, which reads logs,`)
}
