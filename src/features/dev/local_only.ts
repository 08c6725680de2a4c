import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'

const localHosts: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost'])

/**
 * Throws 404 but where the deployment is not called production and both its own address and that of the request are this machine's:
 * a deployment that forgot its name shows nothing, and neither does a name of somebody's that leads to this machine, by which a
 * page there could read.
 */
export function refuseElsewhere({ config }: BaseCtx, requestUrl: string): void {
  const isLocal = [config.publicUrl, requestUrl].every((url) => localHosts.has(new URL(url).hostname))
  if (config.environment === 'production' || !isLocal) throw problem('not_found', 'There is nothing at this address.')
}
