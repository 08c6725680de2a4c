/**
 * What the export of an account leaves out of what the database keeps for people and tenants, by table or column, and why: the
 * file itself says so. A test walks the database and demands that each table leaves or stands here, and that no secret leaves.
 */
export const accountLeftOut: Readonly<Record<string, string>> = {
  alert_budgets: 'a state of the service',
  alert_history: 'tells of logs, which people with a role in the account do not read by that',
  alert_notifications: 'the same, with some of the logs',
  damaged_segments: 'a state of the storage',
  dead_jobs: 'messages of the service to itself',
  email_changes: "each person's own: GET /api/v1/auth/me/export",
  log_shards: 'where the service keeps logs',
  mail_suppressions: 'of all accounts',
  mails: 'letters to people, with links that are secrets',
  one_time_tokens: 'secrets of people',
  recovery_codes: 'secrets of people',
  second_factors: 'secrets of people',
  sessions: "each person's own",
  user_devices: "each person's own",
  report_runs: 'a state of the service; the audit log has what was sent',
  'alert_rules.groups': 'tells of logs',
  'api_keys.key_hash': 'a secret',
  'api_keys.previous_key_hash': 'a secret',
  'invitations.token_hash': 'a secret',
  'notification_channels.sealed_secret': 'a secret',
  'notification_emails.token_hash': 'a secret',
  'saved_filters.user_id': 'filters that others keep for themselves are theirs; shared ones and those of who asks are here',
  'users.password_hash': 'a secret',
}
