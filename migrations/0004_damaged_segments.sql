CREATE TABLE `damaged_segments` (
	`organization_id` text NOT NULL,
	`segment` text NOT NULL,
	`reason` text NOT NULL,
	`seen_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `segment`),
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `damaged_segments_seen` ON `damaged_segments` (`seen_at`);