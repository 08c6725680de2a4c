import type { AlertJob, EmailJob, JobsOf, NotifyJob, QueueName, TaskJob } from '../core/jobs.ts'

/** The ids by which the log lines of a job are found: what of D1 it is about. */
export function aboutJob(queue: QueueName, job: JobsOf[QueueName]): Record<string, unknown> {
  const { kind } = job
  switch (queue) {
    case 'email-jobs':
      return { kind, mail_id: (job as EmailJob).id }
    case 'alert-jobs':
      return { kind, organization_id: (job as AlertJob).organization_id, rule_ids: (job as AlertJob).rule_ids }
    case 'notify-jobs':
      return { kind, ...aboutNotify(job as NotifyJob) }
    case 'task-jobs':
      return { kind, ...aboutTask(job as TaskJob) }
  }
}

function aboutNotify({ organization_id, rule_id, channel_id }: NotifyJob): Record<string, unknown> {
  return { organization_id, rule_id, channel_id }
}

function aboutTask(job: TaskJob): Record<string, unknown> {
  switch (job.kind) {
    case 'task':
      return { organization_id: job.organization_id, task_id: job.task_id, step: job.step }
    case 'retention':
      return { after: `${job.after.organization_id}/${job.after.number}` }
    case 'purge':
      return { thing: job.thing, thing_id: job.id }
    case 'report':
      return { organization_id: job.organization_id, report_id: job.report_id }
    case 'digest':
      return { organization_id: job.organization_id, week: job.week }
    case 'usage':
      return { from_day: job.from_day, to_day: job.to_day, after: job.after }
  }
}
