import type { QueryChecks } from '../../core/query_checks.ts'
import { route } from '../../http/route.ts'
import type { Route } from '../../http/route.ts'
import { previewAlert } from './preview.ts'
import { alertPreviewJson, alertPreviewReply, alertTestJson, alertTestParam, alertTestReply } from './schema.ts'
import { testAlert } from './test.ts'

const test = route(
  {
    id: 'alerts.test',
    method: 'post',
    path: '/api/v1/alerts/:id/test',
    summary: 'Evaluate an alert rule now, and try its channels out',
    description: 'Takes the permission logs:read as well. It changes nothing of where the rule stands.',
    access: 'alerts:write',
    param: alertTestParam,
    json: alertTestJson,
    replies: { 200: alertTestReply },
    problems: ['not_found', 'unavailable', 'rate_limited'],
  },
  async ({ param, json }, ctx) => ({ status: 200, body: await testAlert(ctx, { id: param.id, ...json }) }),
)

/** `checks` reads the query of a definition. */
export function alertQueryRoutes(checks: QueryChecks): Route[] {
  const preview = route(
    {
      id: 'alerts.preview',
      method: 'post',
      path: '/api/v1/alerts/preview',
      summary: 'When a definition would have fired',
      description: 'Takes the permission logs:read as well. Evaluates up to 60 windows of the past; silences are not looked at.',
      access: 'alerts:write',
      json: alertPreviewJson(checks),
      replies: { 200: alertPreviewReply },
      problems: ['invalid_query', 'unavailable'],
    },
    async ({ json }, ctx) => ({ status: 200, body: await previewAlert(ctx, json) }),
  )
  return [preview, test]
}
