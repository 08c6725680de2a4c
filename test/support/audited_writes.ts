import { auditedAlertWrites } from './audited_alert_writes.ts'
import { auditedMailWrites } from './audited_mail_writes.ts'
import { jsonSamples } from './hostile/samples.ts'
import { makeStaff, unconfirm } from './tenancy.ts'
import {
  accountMember,
  asStaff,
  beginTotp,
  done,
  enableTotp,
  guestOf,
  invited,
  madeAccountMember,
  makeOrganization,
  makeTeam,
  removed,
  tokenOf,
} from './write_steps.ts'
import type { Audited } from './write_steps.ts'

export type { Write } from './write_steps.ts'

const strongPassword = () => `${crypto.randomUUID()} horse`
const newEmail = () => `new-${crypto.randomUUID()}@example.com`

/** Every route that writes, and what it leaves in the audit log. */
export const auditedWrites: Record<string, Audited> = {
  'auth.register': {
    leaves: ['organization.create', 'user.create'],
    how: () => ({ as: null, json: { email: newEmail(), password: strongPassword(), name: 'New' } }),
  },
  'auth.login': { leaves: ['auth.login'], how: ({ owner }) => ({ as: null, json: { email: owner.email, password: owner.password } }) },
  'auth.logout': { leaves: ['auth.logout'] },
  'auth.logout_all': { leaves: ['auth.logout_all'] },
  'sessions.delete': { leaves: ['session.revoke'] },
  'auth.change_password': {
    leaves: ['password.change'],
    how: ({ owner }) => ({ json: { current_password: owner.password, new_password: strongPassword() } }),
  },
  'auth.confirm_password': { leaves: ['password.confirm'], how: ({ owner }) => ({ json: { password: owner.password } }) },
  'auth.password_reset': { leaves: ['password.reset_request'], how: ({ owner }) => ({ as: null, json: { email: owner.email } }) },
  'auth.password_reset_confirm': {
    leaves: ['password.reset'],
    how: async ({ call, owner }) => {
      await call('/api/v1/auth/password-reset', { json: { email: owner.email } })
      return { as: null, json: { token: await tokenOf(owner.email, 'reset_password'), password: strongPassword() } }
    },
  },
  'auth.verify_email_resend': {
    leaves: ['email.verify_request'],
    how: async ({ owner }) => {
      await unconfirm(owner)
      return { as: null, json: { email: owner.email } }
    },
  },
  'auth.verify_email': {
    leaves: ['email.verify'],
    how: async ({ call, owner }) => {
      await unconfirm(owner)
      await call('/api/v1/auth/verify-email/resend', { json: { email: owner.email } })
      return { as: null, json: { token: await tokenOf(owner.email, 'verify_email') } }
    },
  },
  'auth.update_me': { leaves: ['user.update'], how: () => ({ json: { first_name: 'Ann' } }) },
  'auth.delete_me': { leaves: ['account.delete', 'organization.delete', 'user.delete'] },
  'auth.change_email': { leaves: ['user.change_email'], how: () => ({ json: { new_email: newEmail() } }) },
  'auth.confirm_change_email': {
    leaves: ['user.confirm_email_change'],
    how: async ({ call, owner }) => {
      await call('/api/v1/auth/change-email', { as: owner.accessToken, json: { new_email: newEmail() } })
      return { as: null, json: { token: await tokenOf(owner.email, 'change_email_old') } }
    },
  },
  'totp.begin': { leaves: ['second_factor.begin'] },
  'totp.confirm': { leaves: ['second_factor.enable'], how: async (world) => ({ json: { code: (await beginTotp(world)).code } }) },
  'totp.delete': { leaves: ['second_factor.disable'], how: async (world) => ({ json: { recovery_code: await enableTotp(world) } }) },
  'totp.renew_recovery_codes': {
    leaves: ['recovery_codes.renew'],
    how: async (world) => {
      await enableTotp(world)
      return {}
    },
  },
  'users.create': { leaves: ['user.create'], how: () => ({ json: { email: newEmail(), name: 'New' } }) },
  'users.replace': { leaves: ['user.update'] },
  'users.update': {
    leaves: ['user.update'],
    how: async (world) => ({ path: `/api/v1/users/${(await world.addMember('member')).userId}`, json: { first_name: 'Ann' } }),
  },
  'users.delete': { leaves: ['user.delete'] },
  'users.restore': {
    leaves: ['user.restore'],
    how: (world) => removed(world, '/api/v1/users', async () => (await world.addMember('member')).userId),
  },
  'accounts.create': {
    leaves: ['account.create', 'staff.act', 'user.create'],
    how: async ({ owner }) => {
      await makeStaff(owner)
      return { json: { name: 'New Inc', owner_email: newEmail(), owner_name: 'New' } }
    },
  },
  'dead_jobs.replay': { leaves: ['dead_job.replay', 'staff.act'], how: asStaff },
  'dead_jobs.delete': { leaves: ['dead_job.delete', 'staff.act'], how: asStaff },
  'accounts.replace': { leaves: ['account.update'], how: () => ({ json: { name: 'Other' } }) },
  'accounts.update': { leaves: ['account.update'], how: () => ({ json: { name: 'Other' } }) },
  'accounts.delete': { leaves: ['account.delete'] },
  'accounts.restore': {
    leaves: ['account.restore'],
    how: async ({ call, owner, accountId }) => {
      await call(`/api/v1/accounts/${accountId}`, { method: 'DELETE', as: owner.accessToken })
      return {}
    },
  },
  'accounts.transfer': {
    leaves: ['account.transfer'],
    how: async (world) => ({ json: { user_id: (await world.addMember('admin')).userId } }),
  },
  'account_members.replace': { leaves: ['account_member.create'], how: accountMember },
  'account_members.update': { leaves: ['account_member.update'], how: madeAccountMember },
  'account_members.delete': { leaves: ['account_member.remove'], how: madeAccountMember },
  'account_members.leave': {
    leaves: ['account_member.leave'],
    how: async (world) => {
      const { path } = await accountMember(world)
      await done(world.call(path, { method: 'PUT', as: world.owner.accessToken, json: { role: 'owner' } }))
      return {}
    },
  },
  'organizations.create': { leaves: ['organization.create'] },
  'organizations.replace': {
    leaves: ['organization.update'],
    how: () => ({ json: { name: 'Other', require_second_factor: false, audit_days: 365 } }),
  },
  'organizations.update': { leaves: ['organization.update'], how: () => ({ json: { name: 'Other' } }) },
  'organizations.delete': { leaves: ['organization.delete'] },
  'organizations.restore': {
    leaves: ['organization.restore'],
    how: (world) => removed(world, '/api/v1/organizations', () => makeOrganization(world)),
  },
  'organizations.transfer': {
    leaves: ['organization.transfer'],
    how: async (world) => {
      const { userId } = await world.addMember('member')
      return { path: `/api/v1/organizations/${world.organizationId}/transfer`, json: { user_id: userId } }
    },
  },
  'members.update': { leaves: ['membership.change_role'], how: () => ({ json: { role: 'viewer' } }) },
  'members.replace': { leaves: ['membership.change_role'], how: () => ({ json: { role: 'viewer' } }) },
  'members.delete': { leaves: ['membership.remove'] },
  'members.leave': { leaves: ['membership.leave'], how: async (world) => ({ as: (await world.addMember('viewer')).accessToken }) },
  'invitations.create': { leaves: ['invitation.create'], how: () => ({ json: { email: newEmail(), role: 'member' } }) },
  'invitations.resend': { leaves: ['invitation.resend'] },
  'invitations.delete': { leaves: ['invitation.revoke'] },
  'invitations.accept': {
    leaves: ['membership.create'],
    how: async (world) => {
      const guest = await guestOf(world)
      return { as: guest.accessToken, json: { token: await invited(world, guest.email) } }
    },
  },
  'invitations.register': {
    leaves: ['membership.create', 'user.create'],
    how: async (world) => ({ as: null, json: { token: await invited(world, newEmail()), password: strongPassword(), name: 'New' } }),
  },
  'teams.create': { leaves: ['team.create'] },
  'teams.replace': { leaves: ['team.update'] },
  'teams.update': { leaves: ['team.update'] },
  'teams.delete': { leaves: ['team.delete'] },
  'teams.restore': { leaves: ['team.restore'], how: (world) => removed(world, '/api/v1/teams', () => makeTeam(world)) },
  'team_members.create': {
    leaves: ['team_membership.create'],
    how: async (world) => ({ json: { user_id: (await world.addMember('member')).userId } }),
  },
  'team_members.update': { leaves: ['team_membership.change_role'], how: () => ({ json: { role: 'manager' } }) },
  'team_members.delete': { leaves: ['team_membership.leave'] },
  'api_keys.create': { leaves: ['api_key.create'] },
  'api_keys.update': { leaves: ['api_key.update'] },
  'api_keys.rotate': { leaves: ['api_key.rotate'] },
  'api_keys.delete': { leaves: ['api_key.revoke'] },
  'saved_filters.create': { leaves: ['saved_filter.create'] },
  'saved_filters.replace': { leaves: ['saved_filter.update'] },
  'saved_filters.update': { leaves: ['saved_filter.update'] },
  'saved_filters.delete': { leaves: ['saved_filter.delete'] },
  ...auditedAlertWrites,
  'notification_channels.create': { leaves: ['notification_channel.create'] },
  'notification_channels.replace': { leaves: ['notification_channel.update'] },
  'notification_channels.update': { leaves: ['notification_channel.update'] },
  'notification_channels.delete': { leaves: ['notification_channel.delete'] },
  'notification_channels.test': { leaves: ['notification_channel.test'] },
  'notification_channels.rotate_secret': { leaves: ['notification_channel.rotate_secret'] },
  'notification_channels.confirm_email': {
    leaves: ['notification_email.confirm'],
    how: async (world) => {
      const email = newEmail()
      await done(
        world.call('/api/v1/notification-channels', { as: world.owner.accessToken, json: { name: 'New', kind: 'email', to: [email] } }),
      )
      return { as: null, json: { token: await tokenOf(email, 'confirm_recipient') } }
    },
  },
  'reports.create': { leaves: ['report.create'] },
  'reports.replace': { leaves: ['report.update'], how: () => ({ json: { ...jsonSamples['reports.replace'], name: 'Other' } }) },
  'reports.update': { leaves: ['report.update'], how: () => ({ json: { name: 'Other' } }) },
  'reports.delete': { leaves: ['report.delete'] },
  'reports.run': { leaves: ['report.run'] },
  'dashboards.create': { leaves: ['dashboard.create'] },
  'dashboards.replace': { leaves: ['dashboard.update'], how: () => ({ json: { ...jsonSamples['dashboards.replace'], name: 'Other' } }) },
  'dashboards.update': { leaves: ['dashboard.update'], how: () => ({ json: { name: 'Other' } }) },
  'dashboards.delete': { leaves: ['dashboard.delete'] },
  'logs.replace': { leaves: ['log.replace'] },
  'logs.update': { leaves: ['log.update'] },
  'logs.delete': { leaves: ['log.delete'] },
  'logs.erase': { leaves: ['logs.erase'] },
  'logs.archive': { leaves: ['logs.archive'] },
  'retention.replace': { leaves: ['retention.update'], how: () => ({ json: { days: 7 } }) },
  'tasks.create': { leaves: ['task.add'] },
  'tasks.delete': { leaves: ['task.revoke'] },
  'tasks.download_link': { leaves: ['task.download_link'] },
  ...auditedMailWrites,
}

/** Routes that are no GET and leave no entry, and why. */
export const silentWrites: Record<string, string> = {
  'auth.refresh': 'goes on with a session; the login is what is written down, and a token that comes twice',
  'auth.pre_register': 'concerns no account and no organization yet',
  'invitations.preview': 'only reads; the token must not stand in an address',
  'mail_events.sendgrid': 'what the mail service says of addresses is about no tenant',
  'alerts.preview': 'only reads; a definition has no place in an address',
  'alerts.test': 'only reads; each channel that is tried has its own entry',
  'logs.create': 'what it writes are logs; the usage ledger counts them',
  'logs.search_by_post': 'only reads; a query may be too long for an address',
  'logs.tail_ticket': 'only reads; the ticket ends after a minute, the tail with the right to it',
}
