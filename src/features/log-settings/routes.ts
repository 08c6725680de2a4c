import { route } from '../../http/route.ts'
import { getRetention } from './retention.ts'
import { retentionSchema, setRetentionSchema } from './schema.ts'
import { setRetention } from './set_retention.ts'

const path = '/api/v1/logs/retention'

const get = route(
  {
    id: 'retention.get',
    method: 'get',
    path,
    summary: 'How long logs are kept',
    access: 'logs:read',
    replies: { 200: retentionSchema },
    problems: ['not_found'],
  },
  async (_, ctx) => ({ status: 200, body: await getRetention(ctx) }),
)

const set = route(
  {
    id: 'retention.replace',
    method: 'put',
    path,
    summary: 'Change how long logs are kept',
    description: `Counted from the receipt of a log, whatever its own time says. Logs that are older are hidden at once for who asks with an
access token, and within a minute for API keys; the schedule then removes them for ever. Lengthening does not bring back what was removed,
and stops the removal before it is answered: after a 503 ask for it again.`,
    access: 'logs:settings',
    stepUp: true,
    json: setRetentionSchema,
    replies: { 200: retentionSchema },
    problems: ['unavailable'],
  },
  async ({ json }, ctx) => ({ status: 200, body: await setRetention(ctx, json) }),
)

export const logSettingsRoutes = [get, set]
