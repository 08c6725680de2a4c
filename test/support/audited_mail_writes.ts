import { unsubscribeUrl } from '../../src/features/unsubscribe/token.ts'
import { makeStaff } from './tenancy.ts'
import { testCtx } from './world.ts'
import type { Audited } from './write_steps.ts'

const suppressions = '/api/v1/mail-suppressions'

/** Routes that write about who gets mails, for audited_writes.ts. */
export const auditedMailWrites: Record<string, Audited> = {
  'mail_suppressions.create': {
    leaves: ['mail_suppression.create', 'staff.act'],
    how: async ({ owner }) => {
      await makeStaff(owner)
      return { json: { email: `${crypto.randomUUID()}@example.com` } }
    },
  },
  'mail_suppressions.delete': {
    leaves: ['mail_suppression.remove', 'staff.act'],
    how: async ({ call, owner }) => {
      await makeStaff(owner)
      const email = `${crypto.randomUUID()}@example.com`
      const made = await call(suppressions, { as: owner.accessToken, json: { email } })
      if (made.status !== 201) throw new Error(`not made: ${made.status} ${await made.text()}`)
      await made.body?.cancel()
      return { path: `${suppressions}?${new URLSearchParams({ email, scope: 'all' }).toString()}` }
    },
  },
  'unsubscribe.confirm': {
    leaves: ['mails.unsubscribe'],
    // Whoever has the mail has the link.
    by: 'system',
    how: ({ owner, organizationId }) => {
      const { pathname, search } = new URL(unsubscribeUrl(testCtx(), { email: owner.email, scope: 'alerts', organizationId }))
      return { as: null, path: pathname + search, form: 'List-Unsubscribe=One-Click' }
    },
  },
}
