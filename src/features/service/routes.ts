import { version } from '../../core/version.ts'
import { route } from '../../http/route.ts'
import { liveSchema, rootSchema } from './schema.ts'

const root = route(
  {
    id: 'service.root',
    method: 'get',
    path: '/',
    summary: 'Name, version and links of the service',
    access: 'public',
    unlimited: true,
    replies: { 200: rootSchema },
    problems: [],
  },
  async (_, ctx) => {
    const links = { health: '/health', schema: '/api/schema', api: '/api/v1', keys: '/.well-known/jwks.json' }
    const absolute = Object.fromEntries(Object.entries(links).map(([name, path]) => [name, ctx.config.publicUrl + path]))
    return { status: 200, body: { name: 'Edgelog', version, links: absolute } }
  },
)

const live = route(
  {
    id: 'health.live',
    method: 'get',
    path: '/health/live',
    summary: 'Whether the Worker runs',
    access: 'public',
    unlimited: true,
    replies: { 200: liveSchema },
    problems: [],
  },
  async (_) => ({ status: 200, body: { status: 'ok', version } }),
)

export const serviceRoutes = [root, live]
