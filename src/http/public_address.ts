import type { BaseCtx } from '../db/context.ts'

/** The address of a request under the public URL: its own host is whatever the client wrote. */
export function publicAddress({ config }: Pick<BaseCtx, 'config'>, requestUrl: string): string {
  const { pathname, search } = new URL(requestUrl)
  return config.publicUrl + pathname + search
}
