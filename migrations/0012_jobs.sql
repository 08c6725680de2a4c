CREATE TABLE `alert_history` (
	`organization_id` text NOT NULL,
	`rule_id` text NOT NULL,
	`id` text NOT NULL,
	`at` integer NOT NULL,
	`group_key` text NOT NULL,
	`from_state` text NOT NULL,
	`to_state` text NOT NULL,
	`value` text,
	`detail` text,
	`silenced` integer DEFAULT false NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `rule_id`, `id`),
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `alert_history_created` ON `alert_history` (`created_at`);--> statement-breakpoint
CREATE TABLE `alert_notifications` (
	`organization_id` text NOT NULL,
	`rule_id` text NOT NULL,
	`id` text NOT NULL,
	`channel_id` text NOT NULL,
	`recipient` text,
	`kind` text NOT NULL,
	`status` text NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`error` text,
	`next_attempt_at` integer NOT NULL,
	`lease_until` integer DEFAULT 0 NOT NULL,
	`request_id` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`notice` text NOT NULL,
	PRIMARY KEY(`organization_id`, `rule_id`, `id`),
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `alert_notifications_pending` ON `alert_notifications` (`next_attempt_at`) WHERE "alert_notifications"."status" = 'pending';--> statement-breakpoint
CREATE INDEX `alert_notifications_created` ON `alert_notifications` (`created_at`);--> statement-breakpoint
CREATE TABLE `alert_rules` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`enabled` integer NOT NULL,
	`interval_seconds` integer NOT NULL,
	`delay_seconds` integer NOT NULL,
	`version` integer NOT NULL,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`definition` text NOT NULL,
	`state` text DEFAULT 'inactive' NOT NULL,
	`state_since` integer,
	`evaluated_to` integer,
	`evaluated_at` integer,
	`evaluation_ms` integer,
	`error` text,
	`failures` integer DEFAULT 0 NOT NULL,
	`lease_id` text,
	`lease_until` integer DEFAULT 0 NOT NULL,
	`groups` text DEFAULT '[]' NOT NULL,
	PRIMARY KEY(`organization_id`, `id`),
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `notification_channels` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`config` text NOT NULL,
	`sealed_secret` text,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`last_attempt_at` integer,
	`last_error` text,
	PRIMARY KEY(`organization_id`, `id`),
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `notification_emails` (
	`organization_id` text NOT NULL,
	`email` text NOT NULL,
	`token_hash` text NOT NULL,
	`asked_at` integer NOT NULL,
	`confirmed_at` integer,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `email`),
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `notification_emails_token` ON `notification_emails` (`token_hash`);--> statement-breakpoint
CREATE TABLE `silences` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`rule_id` text,
	`comment` text NOT NULL,
	`starts_at` integer NOT NULL,
	`ends_at` integer,
	`recurrence` text,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `id`),
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `dead_jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`queue` text NOT NULL,
	`message_id` text NOT NULL,
	`kind` text,
	`body` text NOT NULL,
	`reason` text NOT NULL,
	`attempts` integer NOT NULL,
	`organization_id` text,
	`request_id` text,
	`created_at` integer NOT NULL,
	`replayed_at` integer,
	`replayed_by` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `dead_jobs_message_id_unique` ON `dead_jobs` (`message_id`);--> statement-breakpoint
CREATE TABLE `mail_suppressions` (
	`email` text NOT NULL,
	`scope` text NOT NULL,
	`reason` text NOT NULL,
	`detail` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`email`, `scope`)
);
--> statement-breakpoint
CREATE TABLE `reports` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`enabled` integer NOT NULL,
	`definition` text NOT NULL,
	`next_at` integer,
	`last_run_at` integer,
	`last_rows` integer,
	`last_error` text,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `id`),
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `reports_due` ON `reports` (`next_at`) WHERE "reports"."next_at" is not null;--> statement-breakpoint
CREATE TABLE `schedules` (
	`name` text PRIMARY KEY NOT NULL,
	`lease_id` text,
	`lease_until` integer DEFAULT 0 NOT NULL,
	`started_at` integer,
	`ended_at` integer,
	`duration_ms` integer,
	`outcome` text,
	`error` text,
	`runs` integer DEFAULT 0 NOT NULL,
	`failures` integer DEFAULT 0 NOT NULL,
	`succeeded_at` integer
);
--> statement-breakpoint
CREATE TABLE `usage_days` (
	`organization_id` text NOT NULL,
	`day` text NOT NULL,
	`received_rows` integer NOT NULL,
	`received_bytes` integer NOT NULL,
	`stored_rows` integer NOT NULL,
	`stored_bytes` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `day`),
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
ALTER TABLE `mails` ADD `request_id` text;--> statement-breakpoint
ALTER TABLE `mails` ADD `once_key` text;--> statement-breakpoint
ALTER TABLE `mails` ADD `attempts` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `mails_once` ON `mails` (`once_key`) WHERE "mails"."once_key" is not null;--> statement-breakpoint
ALTER TABLE `tasks` ADD `request_id` text;