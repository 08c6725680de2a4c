import {
  askedMailsPerAddressMax,
  askedMailsPerEmailMax,
  channelTestsPerChannelMax,
  channelTestsPerOrganizationMax,
  createdUsersPerAddressMax,
  createdUsersPerPersonMax,
  emailChangesPerUserMax,
  exportsPerUserMax,
  invitationsPerAddressMax,
  invitationsPerEmailMax,
  invitationsPerOrganizationMax,
  invitationsPerPersonMax,
  loginFailuresPerAccountMax,
  loginFailuresPerAddressMax,
  loginWindowMs,
  mailWindowMs,
  notificationRetriesPerChannelMax,
  notificationRetriesPerOrganizationMax,
  preRegistrationsPerAddressMax,
  preRegistrationsPerEmailMax,
  recipientMailsPerAccountMax,
  recipientMailsPerPersonMax,
  registrationsPerAddressMax,
  registrationsPerEmailMax,
} from '../../core/limits.ts'

interface Throttle {
  /** As a refusal words them. */
  acts: string
  /** Names of the two limits in a refusal. */
  names: { subject: string; source: string }
  perSubject: number
  perSource: number
  windowMs: number
  /** Only failures stay: an act that succeeds gives its place back. */
  released: boolean
}

/** What is throttled exactly, in D1: what guesses secrets, and what sends mails to people who may not have asked. */
export const throttles = {
  /** Checks of a password, wherever it is asked for. */
  login: {
    acts: 'failed logins',
    names: { subject: 'login_failures_per_account', source: 'login_failures_per_address' },
    perSubject: loginFailuresPerAccountMax,
    perSource: loginFailuresPerAddressMax,
    windowMs: loginWindowMs,
    released: true,
  },
  register: {
    ...named('registrations', 'registrations', 'address'),
    perSubject: registrationsPerEmailMax,
    perSource: registrationsPerAddressMax,
  },
  password_reset: {
    ...named('password resets', 'password_resets', 'address'),
    perSubject: askedMailsPerEmailMax,
    perSource: askedMailsPerAddressMax,
  },
  verify_email: {
    ...named('confirmation mails', 'confirmation_mails', 'address'),
    perSubject: askedMailsPerEmailMax,
    perSource: askedMailsPerAddressMax,
  },
  pre_register: {
    ...named('pre-registrations', 'pre_registrations', 'address'),
    perSubject: preRegistrationsPerEmailMax,
    perSource: preRegistrationsPerAddressMax,
  },
  /** Its source is the person. */
  change_email: {
    ...named('changes of e-mail', 'email_changes', 'user'),
    perSubject: askedMailsPerEmailMax,
    perSource: emailChangesPerUserMax,
  },
  /** Its subject and its source are the person. */
  export: {
    ...named('exports', 'exports', 'user'),
    names: { subject: 'exports_per_user', source: 'exports_per_user' },
    perSubject: exportsPerUserMax,
    perSource: exportsPerUserMax,
  },
  /** Its subject is the organization and the e-mail that it invites, or the e-mail of a user made; its source the organization, or the account. */
  invitation: {
    ...named('invitations', 'invitations', 'organization'),
    perSubject: invitationsPerEmailMax,
    perSource: invitationsPerOrganizationMax,
  },
  /** The same acts once more, by who does them and from where. */
  inviter: {
    ...named('invitations', 'invitations', 'address'),
    names: { subject: 'invitations_per_person', source: 'invitations_per_address' },
    perSubject: invitationsPerPersonMax,
    perSource: invitationsPerAddressMax,
  },
  /** Users that somebody makes, by who does it and from where: each answer tells whether somebody has the e-mail. */
  user_creation: {
    ...named('users created', 'created_users', 'address'),
    names: { subject: 'created_users_per_person', source: 'created_users_per_address' },
    perSubject: createdUsersPerPersonMax,
    perSource: createdUsersPerAddressMax,
  },
  /** Test notices: each is a call to somebody. Its subject is the channel, its source the organization. */
  channel_test: {
    ...named('test notices', 'channel_tests', 'organization'),
    names: { subject: 'channel_tests_per_channel', source: 'channel_tests_per_organization' },
    perSubject: channelTestsPerChannelMax,
    perSource: channelTestsPerOrganizationMax,
  },
  /** Notices sent again: the same. */
  notification_retry: {
    ...named('notices sent again', 'notification_retries', 'organization'),
    names: { subject: 'notification_retries_per_channel', source: 'notification_retries_per_organization' },
    perSubject: notificationRetriesPerChannelMax,
    perSource: notificationRetriesPerOrganizationMax,
  },
  /** Mails that ask an address whether it wants mails. Its subject is who asks, its source the account. */
  recipient_question: {
    ...named('questions to recipients', 'recipient_questions', 'account'),
    names: { subject: 'recipient_questions_per_person', source: 'recipient_questions_per_account' },
    perSubject: recipientMailsPerPersonMax,
    perSource: recipientMailsPerAccountMax,
  },
} as const satisfies Record<string, Throttle>

export type ThrottleKind = keyof typeof throttles

/** Attempts older than this count for nothing. */
export const throttleWindowMsMax = Math.max(...Object.values(throttles).map(({ windowMs }) => windowMs))

function named(acts: string, prefix: string, source: string) {
  const names = { subject: `${prefix}_per_email`, source: `${prefix}_per_${source}` }
  return { acts, names, windowMs: mailWindowMs, released: false }
}
