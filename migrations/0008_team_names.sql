ALTER TABLE `teams` ADD `name_key` text DEFAULT '' NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `teams_name` ON `teams` (`organization_id`,`name_key`) WHERE "teams"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX `teams_deleted` ON `teams` (`deleted_at`) WHERE "teams"."deleted_at" is not null;