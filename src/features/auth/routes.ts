import { route } from '../../http/route.ts'
import { profileRoutes } from './profile_routes.ts'
import { register } from './register.ts'
import { registeredSchema, registerSchema } from './schema.ts'
import { secondFactorRoutes } from './second_factor_routes.ts'
import { sessionRoutes } from './session_routes.ts'

const registerRoute = route(
  {
    id: 'auth.register',
    method: 'post',
    path: '/api/v1/auth/register',
    summary: 'Create a user with an organization',
    description:
      'The answer is the same whether or not the e-mail is known; the owner of the mailbox gets a mail that tells. ' +
      'An hour takes 3 registrations of one e-mail, further ones do nothing, and 20 of one address: then 429 with Retry-After.',
    access: 'public',
    json: registerSchema,
    form: true,
    replies: { 201: registeredSchema },
    problems: ['rate_limited'],
  },
  async ({ json }, ctx) => {
    await register(ctx, json)
    const detail =
      'If the e-mail is new, the account is ready: confirm the e-mail by the mail that comes, and log in. Otherwise its owner was told by mail.'
    return { status: 201, body: { email: json.email, detail } }
  },
)

export const authRoutes = [registerRoute, ...sessionRoutes, ...secondFactorRoutes, ...profileRoutes]
