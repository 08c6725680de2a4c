CREATE TABLE `report_runs` (
	`organization_id` text NOT NULL,
	`report_id` text NOT NULL,
	`due_at` integer NOT NULL,
	`lease_until` integer,
	`asked` integer NOT NULL,
	`request_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`kept_until` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `report_id`, `due_at`),
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `report_runs_kept` ON `report_runs` (`kept_until`);--> statement-breakpoint
CREATE INDEX `report_runs_asked` ON `report_runs` (`organization_id`,`created_at`) WHERE "report_runs"."asked" = 1;--> statement-breakpoint
ALTER TABLE `tasks` ADD `downloaded_at` integer;--> statement-breakpoint
CREATE INDEX `mails_owner` ON `mails` (`owner_id`,`kind`,`created_at`);