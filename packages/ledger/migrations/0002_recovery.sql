CREATE TABLE "audit_seals" (
	"stream" text NOT NULL,
	"seq" bigint NOT NULL,
	"event_id" bigint NOT NULL,
	"hash" text NOT NULL,
	"sealed_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "audit_seals_pkey" PRIMARY KEY("stream","seq"),
	CONSTRAINT "audit_seals_event" UNIQUE("event_id"),
	CONSTRAINT "audit_seals_stream" CHECK (stream IN ('configuration', 'access', 'work', 'health')),
	CONSTRAINT "audit_seals_seq" CHECK (seq >= 1),
	CONSTRAINT "audit_seals_hash" CHECK (hash ~ '^[0-9a-f]{64}$')
);
--> statement-breakpoint
CREATE TABLE "remnants" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "remnants_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"target_id" text NOT NULL,
	"task_id" uuid NOT NULL,
	"fence" bigint NOT NULL,
	"kind" text NOT NULL,
	"proof" jsonb NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"closed_at" timestamp (3) with time zone,
	"outcome" text,
	"note" text,
	CONSTRAINT "remnants_kind" CHECK (kind IN ('index', 'database', 'session')),
	CONSTRAINT "remnants_outcome" CHECK (outcome IS NULL OR (outcome IN ('absent', 'swept', 'kept'))),
	CONSTRAINT "remnants_closed" CHECK ((closed_at IS NULL) = (outcome IS NULL))
);
--> statement-breakpoint
ALTER TABLE "daily_figures" DROP CONSTRAINT "daily_figures_state";--> statement-breakpoint
ALTER TABLE "jobs" DROP CONSTRAINT "jobs_state";--> statement-breakpoint
ALTER TABLE "jobs" DROP CONSTRAINT "jobs_finished";--> statement-breakpoint
ALTER TABLE "schedules" DROP CONSTRAINT "schedules_misfire_policy";--> statement-breakpoint
ALTER TABLE "steps" DROP CONSTRAINT "steps_state";--> statement-breakpoint
ALTER TABLE "steps" DROP CONSTRAINT "steps_finished";--> statement-breakpoint
ALTER TABLE "tasks" DROP CONSTRAINT "tasks_state";--> statement-breakpoint
ALTER TABLE "tasks" DROP CONSTRAINT "tasks_finished";--> statement-breakpoint
-- A day's tables were made with constraints of their own, which the parent's DROP leaves in place.
DO $$
DECLARE
	day_table record;
BEGIN
	FOR day_table IN
		SELECT child.relname AS name, parent.relname AS kind
		FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
		WHERE parent.relname IN ('jobs', 'tasks', 'steps') AND parent.relnamespace = current_schema()::regnamespace AND child.relkind = 'r'
	LOOP
		EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS %I, DROP CONSTRAINT IF EXISTS %I',
			day_table.name, day_table.kind || '_state', day_table.kind || '_finished');
	END LOOP;
END
$$;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "after_job_id" uuid;--> statement-breakpoint
ALTER TABLE "schedules" ADD COLUMN "misfire_max" integer DEFAULT 10 NOT NULL;--> statement-breakpoint
ALTER TABLE "schedules" ADD COLUMN "catch_up_seconds" integer DEFAULT 86400 NOT NULL;--> statement-breakpoint
ALTER TABLE "schedules" ADD COLUMN "overlap_policy" text DEFAULT 'skip' NOT NULL;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "crashes" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "time_limit_seconds" integer DEFAULT 43200 NOT NULL;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "recover_after" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "workers" ADD COLUMN "clock_skew_ms" double precision DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "remnants_open" ON "remnants" USING btree ("target_id") WHERE closed_at IS NULL;--> statement-breakpoint
CREATE INDEX "remnants_by_task" ON "remnants" USING btree ("task_id");--> statement-breakpoint
CREATE INDEX "tasks_running" ON "tasks" USING btree ("id") WHERE state = 'RUNNING';--> statement-breakpoint
ALTER TABLE "daily_figures" ADD CONSTRAINT "daily_figures_state" CHECK (state IN ('PENDING', 'RUNNING', 'NEEDS_OPERATOR', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED', 'ROLLED_BACK'));--> statement-breakpoint
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_state" CHECK (state IN ('PENDING', 'RUNNING', 'NEEDS_OPERATOR', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED', 'ROLLED_BACK'));--> statement-breakpoint
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_finished" CHECK ((state IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED', 'ROLLED_BACK')) = (finished_at IS NOT NULL));--> statement-breakpoint
ALTER TABLE "schedules" ADD CONSTRAINT "schedules_misfire_max" CHECK (misfire_max BETWEEN 1 AND 100);--> statement-breakpoint
ALTER TABLE "schedules" ADD CONSTRAINT "schedules_catch_up" CHECK (catch_up_seconds >= 0);--> statement-breakpoint
ALTER TABLE "schedules" ADD CONSTRAINT "schedules_overlap_policy" CHECK (overlap_policy IN ('skip', 'queue', 'allow'));--> statement-breakpoint
ALTER TABLE "schedules" ADD CONSTRAINT "schedules_misfire_policy" CHECK (misfire_policy IN ('skip', 'run_once', 'run_all'));--> statement-breakpoint
ALTER TABLE "steps" ADD CONSTRAINT "steps_state" CHECK (state IN ('PENDING', 'RUNNING', 'NEEDS_OPERATOR', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED', 'ROLLED_BACK'));--> statement-breakpoint
ALTER TABLE "steps" ADD CONSTRAINT "steps_finished" CHECK ((state IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED', 'ROLLED_BACK')) = (finished_at IS NOT NULL));--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_crashes" CHECK (crashes >= 0);--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_time_limit" CHECK (time_limit_seconds >= 1);--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_unclear_has_error" CHECK (NOT (state = 'NEEDS_OPERATOR') OR (error IS NOT NULL));--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_state" CHECK (state IN ('PENDING', 'RUNNING', 'NEEDS_OPERATOR', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED', 'ROLLED_BACK'));--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_finished" CHECK ((state IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED', 'ROLLED_BACK')) = (finished_at IS NOT NULL));