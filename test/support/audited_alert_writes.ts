import { alertJsonSamples } from './hostile/alert_samples.ts'
import type { Audited } from './write_steps.ts'

/** Those of alert rules and silences, for audited_writes.ts. */
export const auditedAlertWrites: Record<string, Audited> = {
  'alerts.create': { leaves: ['alert.create'] },
  'alerts.replace': { leaves: ['alert.update'], how: () => ({ json: { ...alertJsonSamples['alerts.replace'], name: 'Other' } }) },
  'alerts.update': { leaves: ['alert.update'], how: () => ({ json: { enabled: false } }) },
  'alerts.delete': { leaves: ['alert.delete'] },
  'alerts.silence': { leaves: ['silence.create'] },
  'alert_notifications.retry': { leaves: ['alert_notification.retry'] },
  'silences.create': { leaves: ['silence.create'] },
  'silences.update': { leaves: ['silence.update'], how: () => ({ json: { comment: 'Other' } }) },
  'silences.delete': { leaves: ['silence.delete'] },
}
