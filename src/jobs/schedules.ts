import { forgetOldAuditEntries } from '../features/audit/forget_old.ts'
import { dispatchAlerts } from './alerts/due.ts'
import { startDigests } from './digest.ts'
import { forgetOldAlerts } from './forget_alerts.ts'
import { forgetDeadJobs } from './forget_dead_jobs.ts'
import { forgetEnded } from './forget_ended.ts'
import { forgetOldMails, sweepMails } from './mail_sweep.ts'
import { forgetRecipients } from './notify/forget_recipients.ts'
import { sweepNotifications } from './notify/sweep.ts'
import { startPurge } from './purge.ts'
import { dispatchReports } from './report.ts'
import { forgetReportFiles } from './report_runs.ts'
import { startRetention } from './retention.ts'
import type { Schedule } from './schedule_run.ts'
import { forgetOldTasks, sweepTasks } from './task_sweep.ts'
import { remindUnverified, removeUnverified } from './unverified.ts'
import { startUsageRollup } from './usage_rollup.ts'

/** All that begins by itself; each cron expression stands in wrangler.toml, and each of those has a schedule here. */
export const schedules: readonly Schedule[] = [
  { name: 'task-sweep', cron: '*/10 * * * *', run: sweepTasks },
  { name: 'task-retention', cron: '*/10 * * * *', run: forgetOldTasks },
  { name: 'mail-sweep', cron: '*/10 * * * *', run: sweepMails },
  { name: 'retention', cron: '23 */6 * * *', run: startRetention },
  { name: 'audit-retention', cron: '23 */6 * * *', run: forgetOldAuditEntries },
  { name: 'mail-retention', cron: '23 */6 * * *', run: forgetOldMails },
  { name: 'dead-job-retention', cron: '23 */6 * * *', run: forgetDeadJobs },
  { name: 'alert-history-retention', cron: '7 * * * *', run: forgetOldAlerts },
  { name: 'recipient-cleanup', cron: '23 */6 * * *', run: forgetRecipients },
  { name: 'token-cleanup', cron: '23 */6 * * *', run: forgetEnded },
  { name: 'alert-evaluation', cron: '* * * * *', run: dispatchAlerts },
  { name: 'notification-sweep', cron: '* * * * *', run: sweepNotifications },
  { name: 'report-dispatch', cron: '* * * * *', run: dispatchReports },
  { name: 'report-files', cron: '7 * * * *', run: forgetReportFiles },
  { name: 'usage-rollup', cron: '7 * * * *', run: startUsageRollup },
  { name: 'verification-reminders', cron: '7 * * * *', run: (ctx) => remindUnverified(ctx) },
  { name: 'unverified-cleanup', cron: '23 */6 * * *', run: (ctx) => removeUnverified(ctx) },
  { name: 'weekly-digest', cron: '7 * * * *', run: startDigests },
  { name: 'purge', cron: '53 */6 * * *', run: startPurge },
]
