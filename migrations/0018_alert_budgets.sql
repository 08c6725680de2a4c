CREATE TABLE `alert_budgets` (
	`organization_id` text PRIMARY KEY NOT NULL,
	`hour` integer NOT NULL,
	`history` integer NOT NULL,
	`notices` integer NOT NULL,
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE no action
);
