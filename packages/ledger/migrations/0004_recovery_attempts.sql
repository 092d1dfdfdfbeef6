ALTER TABLE "remnants" ADD COLUMN "task_type" text;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "recovery_attempts" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "lease_expired_at" timestamp (3) with time zone;