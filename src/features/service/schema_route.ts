import * as z from 'zod'
import { openapi } from '../../http/openapi.ts'
import { rawReply, route } from '../../http/route.ts'
import type { Route } from '../../http/route.ts'

/** A document is the same until the next deployment, but for the address it names. */
const cacheControl = 'public, max-age=300'

/** Serves the OpenAPI document of all routes; takes them as a function, since this route is one of them. */
export function schemaRoute(routes: () => readonly Route[]): Route {
  let text: string | undefined
  return route(
    {
      id: 'service.schema',
      method: 'get',
      path: '/api/schema',
      summary: 'This document: OpenAPI 3.1',
      access: 'public',
      // Tools ask for a format by name; JSON is the one there is.
      query: z.strictObject({ format: z.literal('json').optional() }),
      replies: { 200: rawReply('application/json', 'The OpenAPI document.') },
      problems: [],
    },
    async (_, { config }) => {
      text ??= JSON.stringify(openapi(routes(), config.publicUrl))
      return new Response(text, { headers: { 'Content-Type': 'application/json', 'Cache-Control': cacheControl } })
    },
  )
}
