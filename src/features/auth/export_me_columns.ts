/**
 * Every D1 column that may name a person, and what the export of that person makes of it: the sections that hold its rows, or
 * why it is left out. A test walks the database and demands a line for each; the file itself tells what is left out.
 */
export const personalColumns: Readonly<Record<string, { sections: readonly string[] } | { leftOut: string }>> = {
  'users.id': { sections: ['profile'] },
  'users.email': { sections: ['profile'] },
  'account_memberships.user_id': { sections: ['accounts'] },
  'memberships.user_id': { sections: ['memberships'] },
  'team_memberships.user_id': { sections: ['teams'] },
  'sessions.user_id': { sections: ['sessions'] },
  'user_devices.user_id': { sections: ['devices'] },
  'second_factors.user_id': { sections: ['second_factor'] },
  'recovery_codes.user_id': { sections: ['recovery_codes'] },
  'email_changes.user_id': { sections: ['email_change'] },
  'email_changes.new_email': { leftOut: 'the address may be meant by somebody else, whose change it is' },
  'one_time_tokens.user_id': { sections: ['single_use_tokens'] },
  'api_keys.created_by': { sections: ['api_keys'] },
  'tasks.created_by': { sections: ['tasks'] },
  'saved_filters.user_id': { sections: ['saved_filters'] },
  'dashboards.created_by': { sections: ['dashboards'] },
  'alert_rules.created_by': { sections: ['alert_rules'] },
  'silences.created_by': { sections: ['silences'] },
  'notification_channels.created_by': { sections: ['notification_channels'] },
  'reports.created_by': { sections: ['reports'] },
  'notification_emails.email': { sections: ['confirmed_addresses'] },
  'alert_notifications.recipient': { sections: ['alert_notifications'] },
  'mail_suppressions.email': { sections: ['unwanted_mails'] },
  'dead_jobs.replayed_by': { leftOut: 'what staff of the deployment did with its machinery' },
  'invitations.invited_by': { sections: ['invitations_sent'] },
  'invitations.email': { sections: ['invitations_received'] },
  'invitations.accepted_by': { sections: ['invitations_received'] },
  'mails.recipient': { sections: ['mails'] },
  'mails.owner_id': { leftOut: 'mails to the person are found by their recipient' },
  'pre_registrations.email': { sections: ['pre_registration'] },
  'audit_log.actor_id': { sections: ['acts_in_organizations'] },
  'audit_log.target_id': { sections: ['acts_of_others_in_organizations'] },
  'account_audit_log.actor_id': { sections: ['acts_in_accounts'] },
  'account_audit_log.target_id': { sections: ['acts_of_others_in_accounts'] },
  'login_attempts.email_hash': { leftOut: 'a hash that tells no e-mail; forgotten within the hour' },
}

/** What is not in the file and exists, by column. Secrets, such as hashes of passwords and tokens, never are. */
export const leftOut: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(personalColumns).flatMap(([column, of]) => ('leftOut' in of ? [[column, of.leftOut]] : [])),
)
