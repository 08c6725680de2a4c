CREATE INDEX `account_audit_log_actor_user` ON `account_audit_log` (`actor_id`,`id`) WHERE "account_audit_log"."actor_kind" = 'user';--> statement-breakpoint
CREATE INDEX `account_audit_log_target_user` ON `account_audit_log` (`target_id`,`id`) WHERE "account_audit_log"."target_kind" = 'user';--> statement-breakpoint
CREATE INDEX `audit_log_actor_user` ON `audit_log` (`actor_id`,`id`) WHERE "audit_log"."actor_kind" = 'user';--> statement-breakpoint
CREATE INDEX `audit_log_target_user` ON `audit_log` (`target_id`,`id`) WHERE "audit_log"."target_kind" = 'user';