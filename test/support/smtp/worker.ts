import type { Env } from '../../../src/config.ts'
import type { EmailJob } from '../../../src/core/jobs.ts'
import { createLog } from '../../../src/core/log.ts'
import { createBase } from '../../../src/http/context.ts'
import { MailError } from '../../../src/jobs/mail/mail_error.ts'
import type { OutgoingMail } from '../../../src/jobs/mail/outgoing.ts'
import { transportOf } from '../../../src/jobs/mail/transports.ts'
import { sendMail } from '../../../src/jobs/email_jobs.ts'

/** What a test asks of the Worker around the transports: with which settings, and either a mail to hand over or a job to do. */
export interface MailCall {
  vars: Record<string, string>
  mail?: OutgoingMail
  job?: EmailJob
}

export type MailOutcome = { sent: true } | { sent: false; message: string; code?: string; permanent?: boolean; isSetup?: boolean }

/** The code that sends mails, in the real runtime, with settings that each call chooses. */
export default {
  async fetch(request: Request, env: Env, execution: ExecutionContext): Promise<Response> {
    const { vars, mail, job } = await request.json<MailCall>()
    const ctx = createBase(Object.assign(Object.create(env) as Env, vars), {
      log: createLog('test'),
      requestId: 'test',
      clientAddress: '',
      waitUntil: (work) => execution.waitUntil(work),
    })
    try {
      if (mail !== undefined) await transportOf(ctx.config.mail)(ctx, mail)
      if (job !== undefined) await sendMail(ctx, job)
      return Response.json({ sent: true } satisfies MailOutcome)
    } catch (error) {
      const { message } = error as Error
      const known = error instanceof MailError ? { code: error.code, permanent: error.permanent, isSetup: error.isSetup } : {}
      return Response.json({ sent: false, message, ...known } satisfies MailOutcome)
    }
  },
}
