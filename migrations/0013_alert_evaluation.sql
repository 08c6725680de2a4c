ALTER TABLE `alert_rules` ADD `evaluated_version` integer;--> statement-breakpoint
ALTER TABLE `alert_rules` ADD `groups_truncated` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `alert_rules` ADD `error_told_at` integer;