import type { Context } from 'hono'
import type { AppEnv } from './route.ts'

/**
 * Whether the version with this entity tag is one that the request wants to change (RFC 9110, 13.1.1): any, unless `If-Match`
 * names some. Only strong tags match.
 */
export function ifMatch(c: Context<AppEnv>): (tag: string) => boolean {
  const header = c.req.header('If-Match')
  if (header === undefined || header.trim() === '*') return () => true
  const tags = new Set(header.match(/(?:W\/)?"[^"]*"/g))
  return (tag) => tags.has(tag)
}
