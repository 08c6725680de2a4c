import { accountRoutes } from './features/accounts/routes.ts'
import { alertRoutes } from './features/alerts/routes.ts'
import { apiKeyRoutes } from './features/api-keys/routes.ts'
import { auditRoutes } from './features/audit/routes.ts'
import { passwordRoutes } from './features/auth/password_routes.ts'
import { authRoutes } from './features/auth/routes.ts'
import { dashboardRoutes } from './features/dashboards/routes.ts'
import { deadJobRoutes } from './features/dead-jobs/routes.ts'
import { devRoutes } from './features/dev/routes.ts'
import { invitationRoutes } from './features/invitations/routes.ts'
import { jwksRoutes } from './features/jwks/routes.ts'
import { logSettingsRoutes } from './features/log-settings/routes.ts'
import { memberRoutes } from './features/members/routes.ts'
import { metricsRoutes } from './features/metrics/routes.ts'
import { channelRoutes } from './features/notification-channels/routes.ts'
import { organizationRoutes } from './features/organizations/routes.ts'
import { reportRoutes } from './features/reports/routes.ts'
import { savedFilterRoutes } from './features/saved-filters/routes.ts'
import { schemaRoute } from './features/service/schema_route.ts'
import { serviceRoutes } from './features/service/routes.ts'
import { silenceRoutes } from './features/silences/routes.ts'
import { suppressionRoutes } from './features/suppressions/routes.ts'
import { tailRoutes } from './features/tail/routes.ts'
import { taskRoutes } from './features/tasks/routes.ts'
import { teamMemberRoutes } from './features/teams/member_routes.ts'
import { teamRoutes } from './features/teams/routes.ts'
import { unsubscribeRoutes } from './features/unsubscribe/routes.ts'
import { userRoutes } from './features/users/routes.ts'
import type { Route } from './http/route.ts'
import { ingestRoutes } from './ingest/routes.ts'
import { schedules } from './jobs/schedules.ts'
import { alertQueryRoutes } from './search/alerts/routes.ts'
import { analyticsRoutes } from './search/analytics_routes.ts'
import { archiveRoutes } from './search/storage/archive_routes.ts'
import { dashboardDataRoutes } from './search/dashboards/routes.ts'
import { queryChecks } from './search/query_checks.ts'
import { searchRoutes } from './search/routes.ts'
import { newTaskRoutes } from './search/tasks/routes.ts'
import { storageRoutes } from './search/storage/storage_routes.ts'

/** Every route of the service: mounting, the OpenAPI document and the generated tests are driven by this list. */
export const routes: readonly Route[] = [
  ...serviceRoutes(schedules),
  ...metricsRoutes(schedules),
  ...jwksRoutes,
  ...authRoutes,
  ...passwordRoutes,
  ...accountRoutes,
  ...userRoutes,
  ...organizationRoutes,
  ...memberRoutes,
  ...invitationRoutes,
  ...teamRoutes,
  ...teamMemberRoutes,
  ...apiKeyRoutes,
  ...auditRoutes,
  ...ingestRoutes,
  // Before the routes of one log, whose id would match their names.
  ...analyticsRoutes,
  ...searchRoutes,
  ...archiveRoutes,
  ...storageRoutes,
  ...logSettingsRoutes,
  ...savedFilterRoutes(queryChecks),
  ...dashboardRoutes(queryChecks),
  ...dashboardDataRoutes,
  ...alertRoutes(queryChecks),
  ...alertQueryRoutes(queryChecks),
  ...silenceRoutes,
  ...channelRoutes,
  ...reportRoutes(queryChecks),
  ...newTaskRoutes,
  ...taskRoutes,
  ...deadJobRoutes,
  ...tailRoutes,
  ...suppressionRoutes,
  ...unsubscribeRoutes,
  ...devRoutes,
  schemaRoute(() => routes),
]
