CREATE TABLE `tasks` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`kind` text NOT NULL,
	`status` text NOT NULL,
	`params` text NOT NULL,
	`state` text NOT NULL,
	`progress` real DEFAULT 0 NOT NULL,
	`result` text,
	`error` text,
	`step` integer DEFAULT 0 NOT NULL,
	`retries` integer DEFAULT 0 NOT NULL,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `id`),
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `tasks_running` ON `tasks` (`updated_at`) WHERE "tasks"."status" in ('PENDING', 'STARTED', 'RETRY');--> statement-breakpoint
ALTER TABLE `organizations` ADD `retention_days` integer DEFAULT 30;--> statement-breakpoint
ALTER TABLE `organizations` ADD `quota_rows_per_minute` integer;--> statement-breakpoint
ALTER TABLE `organizations` ADD `quota_bytes_per_minute` integer;--> statement-breakpoint
ALTER TABLE `organizations` ADD `quota_rows_per_month` integer;--> statement-breakpoint
ALTER TABLE `organizations` ADD `quota_bytes_per_month` integer;--> statement-breakpoint
ALTER TABLE `organizations` ADD `settings_version` integer DEFAULT 0 NOT NULL;