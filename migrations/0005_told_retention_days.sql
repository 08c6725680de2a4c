ALTER TABLE `log_shards` ADD `told_retention_days` integer;
--> statement-breakpoint
-- What shards were told before is not known: the next round of the schedule tells them again.
UPDATE `log_shards` SET `told_retention_days` = 0;
