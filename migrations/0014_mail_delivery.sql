CREATE TABLE `mail_events` (
	`id` text PRIMARY KEY NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `mail_events_created` ON `mail_events` (`created_at`);--> statement-breakpoint
ALTER TABLE `mails` ADD `lease_until` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `mails` ADD `transport` text;--> statement-breakpoint
ALTER TABLE `schedules` ADD `known_at` integer;--> statement-breakpoint
ALTER TABLE `schedules` ADD `skips` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `schedules` ADD `skipped_at` integer;--> statement-breakpoint
ALTER TABLE `tasks` ADD `idempotency_key` text;--> statement-breakpoint
ALTER TABLE `tasks` ADD `request_hash` text;--> statement-breakpoint
ALTER TABLE `tasks` ADD `files_until` integer;--> statement-breakpoint
CREATE UNIQUE INDEX `tasks_idempotency` ON `tasks` (`organization_id`,`created_by`,`idempotency_key`) WHERE "tasks"."idempotency_key" is not null;--> statement-breakpoint
CREATE INDEX `tasks_files` ON `tasks` (`files_until`) WHERE "tasks"."files_until" is not null;--> statement-breakpoint
CREATE INDEX `alert_notifications_waiting` ON `alert_notifications` (`organization_id`,`rule_id`,`channel_id`,`id`) WHERE "alert_notifications"."status" = 'pending';