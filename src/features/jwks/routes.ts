import { route } from '../../http/route.ts'
import { publicKeys } from '../auth/jwt.ts'
import { jwksSchema } from './schema.ts'

const jwks = route(
  {
    id: 'jwks.get',
    method: 'get',
    path: '/.well-known/jwks.json',
    summary: 'Public keys that verify access tokens',
    access: 'public',
    replies: { 200: jwksSchema },
    problems: [],
  },
  // Short enough that a new key is known before old tokens are gone.
  async (_, ctx) => ({ status: 200, body: { keys: [...publicKeys(ctx)] }, headers: { 'Cache-Control': 'public, max-age=300' } }),
)

export const jwksRoutes = [jwks]
