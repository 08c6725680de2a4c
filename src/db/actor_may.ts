import { roleHas, scopesHave } from '../core/permissions.ts'
import type { Permission } from '../core/permissions.ts'
import { problem } from '../core/problems.ts'
import type { TenantCtx } from './context.ts'

/** Whether the caller has a permission beside the one that the route asked for. */
export function actorMay({ actor }: Pick<TenantCtx, 'actor'>, permission: Permission): boolean {
  switch (actor.kind) {
    case 'user':
      return actor.roles.some((role) => roleHas(role, permission))
    case 'api_key':
      return scopesHave(actor.scopes, permission)
    case 'system':
      return true
  }
}

/** Throws 403 when it has not; `what` begins the sentence: "Sharing a filter". */
export function requirePermission(ctx: Pick<TenantCtx, 'actor'>, permission: Permission, what: string): void {
  if (!actorMay(ctx, permission)) throw problem('forbidden', `${what} needs the permission ${permission}.`)
}
