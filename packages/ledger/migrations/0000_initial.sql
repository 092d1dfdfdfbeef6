CREATE TABLE "api_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"secret_hash" text NOT NULL,
	"scopes" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	"last_used_at" timestamp (3) with time zone,
	CONSTRAINT "api_keys_secret_hash" CHECK (secret_hash ~ '^[0-9a-f]{64}$')
);
--> statement-breakpoint
CREATE TABLE "audit_events" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_events_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"entity" text NOT NULL,
	"entity_id" text NOT NULL,
	"reason" text,
	"trace_id" text,
	"before" jsonb,
	"after" jsonb
);
--> statement-breakpoint
CREATE TABLE "daily_figures" (
	"day" date NOT NULL,
	"schedule_id" text NOT NULL,
	"target_id" text NOT NULL,
	"task_type" text NOT NULL,
	"state" text NOT NULL,
	"task_count" integer NOT NULL,
	"total_seconds" double precision NOT NULL,
	"max_seconds" double precision NOT NULL,
	CONSTRAINT "daily_figures_pkey" PRIMARY KEY("day","schedule_id","target_id","task_type","state"),
	CONSTRAINT "daily_figures_state" CHECK (state IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED'))
);
--> statement-breakpoint
CREATE TABLE "health_signals" (
	"module" text PRIMARY KEY NOT NULL,
	"status" text NOT NULL,
	"message" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "health_signals_status" CHECK (status IN ('HEALTHY', 'DEGRADED', 'UNHEALTHY'))
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"principal" text NOT NULL,
	"route" text NOT NULL,
	"key" text NOT NULL,
	"request_hash" text NOT NULL,
	"result" json,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY("principal","route","key")
);
--> statement-breakpoint
CREATE TABLE "inquiries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"question" jsonb NOT NULL,
	"asked_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"worker_id" text,
	"taken_at" timestamp (3) with time zone,
	"answer" jsonb,
	"answered_at" timestamp (3) with time zone,
	CONSTRAINT "inquiries_taken" CHECK ((worker_id IS NULL) = (taken_at IS NULL)),
	CONSTRAINT "inquiries_answered" CHECK ((answer IS NULL) = (answered_at IS NULL))
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"id" uuid NOT NULL,
	"scheduled_for" timestamp (3) with time zone NOT NULL,
	"schedule_id" text,
	"target_id" text NOT NULL,
	"trigger" text NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	"halt_on_task_failure" boolean NOT NULL,
	"window_start_hour" smallint,
	"window_end_hour" smallint,
	"generation" integer NOT NULL,
	"halted" boolean NOT NULL,
	"cancel_requested_at" timestamp (3) with time zone,
	"trace_id" text NOT NULL,
	"traceparent" text NOT NULL,
	"requested_by" text NOT NULL,
	CONSTRAINT "jobs_pkey" PRIMARY KEY("scheduled_for","id"),
	CONSTRAINT "jobs_id" CHECK (('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint = (extract(epoch FROM scheduled_for) * 1000)::bigint),
	CONSTRAINT "jobs_state" CHECK (state IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED')),
	CONSTRAINT "jobs_trigger" CHECK (trigger IN ('schedule', 'manual', 'adhoc')),
	CONSTRAINT "jobs_tick_has_schedule" CHECK (NOT (trigger = 'schedule') OR (schedule_id IS NOT NULL)),
	CONSTRAINT "jobs_finished" CHECK ((state IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED')) = (finished_at IS NOT NULL)),
	CONSTRAINT "jobs_started" CHECK (NOT (state = 'RUNNING') OR (started_at IS NOT NULL)),
	CONSTRAINT "jobs_skipped_has_reason" CHECK (NOT (state = 'SKIPPED') OR (reason IS NOT NULL)),
	CONSTRAINT "jobs_window" CHECK ((window_start_hour IS NULL AND window_end_hour IS NULL)
    OR (window_start_hour BETWEEN 0 AND 23 AND window_end_hour BETWEEN 0 AND 23
      AND window_start_hour IS NOT NULL AND window_end_hour IS NOT NULL)),
	CONSTRAINT "jobs_generation" CHECK (generation >= 0)
) PARTITION BY RANGE ("scheduled_for");
--> statement-breakpoint
CREATE TABLE "leases" (
	"task_id" uuid PRIMARY KEY NOT NULL,
	"target_id" text NOT NULL,
	"access" text NOT NULL,
	"worker_id" text NOT NULL,
	"fence" bigint NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "leases_access" CHECK (access IN ('observe', 'act'))
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "outbox_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"subject" text NOT NULL,
	"message" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"next_try_at" timestamp (3) with time zone DEFAULT date_trunc('milliseconds', now()) NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"last_error" text
);
--> statement-breakpoint
CREATE TABLE "schedules" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"description" text,
	"cron_expression" text NOT NULL,
	"timezone" text NOT NULL,
	"window_start_hour" smallint,
	"window_end_hour" smallint,
	"targets" jsonb NOT NULL,
	"tasks" jsonb NOT NULL,
	"halt_on_task_failure" boolean NOT NULL,
	"enabled" boolean NOT NULL,
	"misfire_policy" text NOT NULL,
	"version" integer NOT NULL,
	"next_due_at" timestamp (3) with time zone,
	"last_tick_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "schedules_id" CHECK (id ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
	CONSTRAINT "schedules_window" CHECK ((window_start_hour IS NULL AND window_end_hour IS NULL)
    OR (window_start_hour BETWEEN 0 AND 23 AND window_end_hour BETWEEN 0 AND 23
      AND window_start_hour IS NOT NULL AND window_end_hour IS NOT NULL)),
	CONSTRAINT "schedules_misfire_policy" CHECK (misfire_policy IN ('skip', 'run_once')),
	CONSTRAINT "schedules_version" CHECK (version >= 1),
	CONSTRAINT "schedules_disabled_is_not_due" CHECK (enabled OR next_due_at IS NULL),
	CONSTRAINT "schedules_tasks_array" CHECK (jsonb_typeof(tasks) = 'array')
);
--> statement-breakpoint
CREATE TABLE "steps" (
	"scheduled_for" timestamp (3) with time zone NOT NULL,
	"task_id" uuid NOT NULL,
	"key" text NOT NULL,
	"position" integer NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"object" text,
	"statement" text,
	"phase" text,
	"percent" double precision,
	"eta_seconds" double precision,
	"result" jsonb,
	"error" jsonb,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "steps_pkey" PRIMARY KEY("scheduled_for","task_id","key"),
	CONSTRAINT "steps_state" CHECK (state IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED')),
	CONSTRAINT "steps_finished" CHECK ((state IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED')) = (finished_at IS NOT NULL)),
	CONSTRAINT "steps_failed_has_error" CHECK (NOT (state = 'FAILED') OR (error IS NOT NULL)),
	CONSTRAINT "steps_percent" CHECK (percent IS NULL OR percent BETWEEN 0 AND 100)
) PARTITION BY RANGE ("scheduled_for");
--> statement-breakpoint
CREATE TABLE "target_samples" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "target_samples_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"target_id" text NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"metric" text NOT NULL,
	"object" text,
	"values" jsonb NOT NULL,
	"task_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "targets" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"connection" text NOT NULL,
	"secret_ref" text,
	"labels" jsonb NOT NULL,
	"fence" bigint DEFAULT 0 NOT NULL,
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "targets_id" CHECK (id ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
	CONSTRAINT "targets_kind" CHECK (kind IN ('postgres')),
	CONSTRAINT "targets_version" CHECK (version >= 1),
	CONSTRAINT "targets_fence" CHECK (fence >= 0),
	CONSTRAINT "targets_labels_object" CHECK (jsonb_typeof(labels) = 'object'),
	CONSTRAINT "targets_no_password" CHECK (connection !~ '^[a-z]+://[^/?#@]*:[^/?#@]*@' AND connection !~ '[?&]password=')
);
--> statement-breakpoint
CREATE TABLE "tasks" (
	"id" uuid NOT NULL,
	"scheduled_for" timestamp (3) with time zone NOT NULL,
	"job_id" uuid NOT NULL,
	"key" text NOT NULL,
	"type" text NOT NULL,
	"position" smallint NOT NULL,
	"config" jsonb NOT NULL,
	"needs" jsonb NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"attempt" integer NOT NULL,
	"progress" double precision,
	"result" jsonb,
	"error" jsonb,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	"access" text,
	"fence" bigint,
	"worker_id" text,
	"intent_at" timestamp (3) with time zone,
	"intent_pid" integer,
	"intent_backend_start" text,
	"intent_application_name" text,
	"intent_epoch" jsonb,
	CONSTRAINT "tasks_pkey" PRIMARY KEY("scheduled_for","id"),
	CONSTRAINT "tasks_job_key" UNIQUE("scheduled_for","job_id","key"),
	CONSTRAINT "tasks_id" CHECK (('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint = (extract(epoch FROM scheduled_for) * 1000)::bigint),
	CONSTRAINT "tasks_state" CHECK (state IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED')),
	CONSTRAINT "tasks_finished" CHECK ((state IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED')) = (finished_at IS NOT NULL)),
	CONSTRAINT "tasks_running_is_fenced" CHECK (NOT (state = 'RUNNING') OR (fence IS NOT NULL AND worker_id IS NOT NULL AND access IS NOT NULL AND started_at IS NOT NULL)),
	CONSTRAINT "tasks_skipped_has_reason" CHECK (NOT (state = 'SKIPPED') OR (reason IS NOT NULL)),
	CONSTRAINT "tasks_failed_has_error" CHECK (NOT (state = 'FAILED') OR (error IS NOT NULL)),
	CONSTRAINT "tasks_access" CHECK (NOT (access IS NOT NULL) OR (access IN ('observe', 'act'))),
	CONSTRAINT "tasks_progress" CHECK (progress IS NULL OR progress BETWEEN 0 AND 100),
	CONSTRAINT "tasks_attempt" CHECK (attempt >= 0),
	CONSTRAINT "tasks_intent_whole" CHECK (num_nulls(intent_at, intent_pid, intent_backend_start, intent_application_name, intent_epoch) IN (0, 5))
) PARTITION BY RANGE ("scheduled_for");
--> statement-breakpoint
CREATE TABLE "workers" (
	"id" text PRIMARY KEY NOT NULL,
	"host" text NOT NULL,
	"version" text NOT NULL,
	"task_types" jsonb NOT NULL,
	"concurrency" integer NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone NOT NULL,
	"draining" boolean NOT NULL
);
--> statement-breakpoint
ALTER TABLE "leases" ADD CONSTRAINT "leases_target_id_targets_id_fk" FOREIGN KEY ("target_id") REFERENCES "public"."targets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "audit_events_by_time" ON "audit_events" USING btree ("at","id");--> statement-breakpoint
CREATE INDEX "audit_events_by_entity" ON "audit_events" USING btree ("entity","entity_id","at","id");--> statement-breakpoint
CREATE INDEX "idempotency_keys_by_expiry" ON "idempotency_keys" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "inquiries_open" ON "inquiries" USING btree ("asked_at") WHERE worker_id IS NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "jobs_tick" ON "jobs" USING btree ("schedule_id","target_id","scheduled_for") WHERE trigger = 'schedule';--> statement-breakpoint
CREATE INDEX "jobs_open" ON "jobs" USING btree ("target_id","schedule_id") WHERE finished_at IS NULL;--> statement-breakpoint
CREATE INDEX "jobs_by_state" ON "jobs" USING btree ("state","scheduled_for","id");--> statement-breakpoint
CREATE INDEX "jobs_by_schedule" ON "jobs" USING btree ("schedule_id","scheduled_for","id");--> statement-breakpoint
CREATE INDEX "jobs_by_target" ON "jobs" USING btree ("target_id","scheduled_for","id");--> statement-breakpoint
CREATE UNIQUE INDEX "leases_one_act" ON "leases" USING btree ("target_id") WHERE access = 'act';--> statement-breakpoint
CREATE INDEX "leases_by_target" ON "leases" USING btree ("target_id");--> statement-breakpoint
CREATE INDEX "leases_by_expiry" ON "leases" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "outbox_by_subject" ON "outbox" USING btree ("subject","id");--> statement-breakpoint
CREATE INDEX "schedules_targets" ON "schedules" USING gin ("targets" jsonb_path_ops);--> statement-breakpoint
CREATE INDEX "schedules_due" ON "schedules" USING btree ("next_due_at") WHERE enabled;--> statement-breakpoint
CREATE INDEX "schedules_by_creation" ON "schedules" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "target_samples_series" ON "target_samples" USING btree ("target_id","metric","object","at");--> statement-breakpoint
CREATE INDEX "targets_labels" ON "targets" USING gin ("labels" jsonb_path_ops);--> statement-breakpoint
CREATE INDEX "targets_by_creation" ON "targets" USING btree ("created_at","id");