ALTER TABLE `alert_notifications` ADD `retried_at` integer;--> statement-breakpoint
ALTER TABLE `notification_channels` ADD `calls` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `notification_channels` ADD `calls_from` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `notification_channels` ADD `failures` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `notification_channels` ADD `failing_since` integer;--> statement-breakpoint
ALTER TABLE `notification_channels` ADD `paused_until` integer;