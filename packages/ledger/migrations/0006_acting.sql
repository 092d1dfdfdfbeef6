CREATE TABLE "audit_exports" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"stream" text NOT NULL,
	"folder" text NOT NULL,
	"file" text NOT NULL,
	"after_seq" bigint NOT NULL,
	"previous_hash" text NOT NULL,
	"until_seq" bigint NOT NULL,
	"hash" text NOT NULL,
	"task_id" uuid NOT NULL,
	"begun_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"completed_at" timestamp (3) with time zone,
	"bytes" bigint,
	"sha256" text,
	CONSTRAINT "audit_exports_stream" CHECK (stream IN ('configuration', 'access', 'work', 'health')),
	CONSTRAINT "audit_exports_stretch" CHECK (after_seq >= 0 AND until_seq > after_seq),
	CONSTRAINT "audit_exports_complete" CHECK ((completed_at IS NULL) = (bytes IS NULL)),
	CONSTRAINT "audit_exports_read_back" CHECK ((completed_at IS NULL) = (sha256 IS NULL))
);
--> statement-breakpoint
CREATE TABLE "custom_templates" (
	"name" text NOT NULL,
	"version" integer NOT NULL,
	"description" text NOT NULL,
	"statements" text[] NOT NULL,
	"parameters" jsonb NOT NULL,
	"access" text NOT NULL,
	"class" text NOT NULL,
	"lock_mode" text,
	"hash" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"created_by" text NOT NULL,
	"retired_at" timestamp (3) with time zone,
	"retired_by" text,
	CONSTRAINT "custom_templates_name_version_pk" PRIMARY KEY("name","version"),
	CONSTRAINT "custom_templates_name" CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
	CONSTRAINT "custom_templates_version" CHECK (version >= 1),
	CONSTRAINT "custom_templates_statements" CHECK (cardinality(statements) > 0),
	CONSTRAINT "custom_templates_parameters" CHECK (jsonb_typeof(parameters) = 'array'),
	CONSTRAINT "custom_templates_access" CHECK (access IN ('observe', 'act')),
	CONSTRAINT "custom_templates_class" CHECK (class IN ('idempotent', 'never_retry')),
	CONSTRAINT "custom_templates_lock_mode" CHECK (lock_mode IN ('ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE')),
	CONSTRAINT "custom_templates_hash" CHECK (hash ~ '^[0-9a-f]{64}$'),
	CONSTRAINT "custom_templates_retired" CHECK ((retired_at IS NULL) = (retired_by IS NULL))
);
--> statement-breakpoint
CREATE TABLE "dead_letters" (
	"id" bigint PRIMARY KEY NOT NULL,
	"subject" text NOT NULL,
	"message" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"attempts" integer NOT NULL,
	"last_error" text,
	"archived_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"need" text NOT NULL,
	"task_id" uuid NOT NULL,
	CONSTRAINT "dead_letters_need" CHECK (need IN ('job_over', 'job_unknown', 'generation_stale', 'schedule_unknown'))
);
--> statement-breakpoint
CREATE TABLE "effects" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "effects_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"target_id" text NOT NULL,
	"job_id" uuid NOT NULL,
	"task_type" text NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"action" text NOT NULL,
	"object" text NOT NULL,
	"object_kind" text NOT NULL,
	"duration_ms" double precision NOT NULL,
	"size_before_bytes" double precision,
	"size_after_bytes" double precision,
	"waste_before_percent" double precision,
	"waste_after_percent" double precision,
	"detail" jsonb NOT NULL,
	CONSTRAINT "effects_action" CHECK (action IN ('reindex', 'create_index', 'drop_index', 'vacuum', 'vacuum_full', 'repack', 'analyze', 'validate', 'refresh', 'retention', 'cache_warm', 'custom', 'rotate_log', 'delete_file', 'compress_file', 'archive_file')),
	CONSTRAINT "effects_object_kind" CHECK (object_kind IN ('index', 'table', 'database', 'file')),
	CONSTRAINT "effects_duration" CHECK (duration_ms >= 0)
);
--> statement-breakpoint
CREATE TABLE "follow_ups" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "follow_ups_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"target_id" text NOT NULL,
	"asked_by_job_id" uuid NOT NULL,
	"asked_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"type" text NOT NULL,
	"config" jsonb NOT NULL,
	"window_start_hour" integer,
	"window_end_hour" integer,
	"time_limit_seconds" integer,
	"reason" text NOT NULL,
	"job_id" uuid,
	"refused" text,
	CONSTRAINT "follow_ups_window" CHECK ((window_start_hour IS NULL AND window_end_hour IS NULL)
    OR (window_start_hour BETWEEN 0 AND 23 AND window_end_hour BETWEEN 0 AND 23
      AND window_start_hour IS NOT NULL AND window_end_hour IS NOT NULL)),
	CONSTRAINT "follow_ups_ended" CHECK (job_id IS NULL OR refused IS NULL)
);
--> statement-breakpoint
CREATE TABLE "learnings" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "learnings_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"target_id" text NOT NULL,
	"kind" text NOT NULL,
	"key" text NOT NULL,
	"value" jsonb NOT NULL,
	"first_learned_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"learned_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "learnings_key" UNIQUE("target_id","kind","key"),
	CONSTRAINT "learnings_kind" CHECK (kind IN ('pattern', 'workload', 'suggestion', 'forecast', 'model')),
	CONSTRAINT "learnings_value" CHECK (jsonb_typeof(value) = 'object')
);
--> statement-breakpoint
CREATE TABLE "registered_backups" (
	"id" uuid PRIMARY KEY NOT NULL,
	"target_id" text NOT NULL,
	"label" text NOT NULL,
	"kind" text NOT NULL,
	"taken_at" timestamp (3) with time zone NOT NULL,
	"size_bytes" bigint NOT NULL,
	"location" text NOT NULL,
	"checksum" text,
	"registered_at" timestamp (3) with time zone NOT NULL,
	"registered_by" text NOT NULL,
	"deleted_at" timestamp (3) with time zone,
	CONSTRAINT "registered_backups_id" CHECK (('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint = (extract(epoch FROM registered_at) * 1000)::bigint),
	CONSTRAINT "registered_backups_kind" CHECK (kind IN ('full', 'incremental', 'wal', 'logical', 'snapshot')),
	CONSTRAINT "registered_backups_size" CHECK (size_bytes >= 0),
	CONSTRAINT "registered_backups_checksum" CHECK (checksum ~ '^[0-9a-f]{64}$'),
	CONSTRAINT "registered_backups_no_password" CHECK (location !~ '//[^/?#@[:space:]]*:[^/?#[:space:]]*@')
);
--> statement-breakpoint
CREATE TABLE "rollback_points" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"target_id" text NOT NULL,
	"job_id" uuid NOT NULL,
	"task_id" uuid NOT NULL,
	"object" text NOT NULL,
	"summary" text NOT NULL,
	"statements" text[] NOT NULL,
	"state" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"used_by_job_id" uuid,
	CONSTRAINT "rollback_points_state" CHECK (state IN ('prepared', 'armed', 'void', 'used')),
	CONSTRAINT "rollback_points_statements" CHECK (cardinality(statements) > 0),
	CONSTRAINT "rollback_points_used" CHECK ((state = 'used') = (used_by_job_id IS NOT NULL))
);
--> statement-breakpoint
CREATE TABLE "watches" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"target_id" text NOT NULL,
	"job_id" uuid NOT NULL,
	"task_id" uuid NOT NULL,
	"rollback_point_id" uuid NOT NULL,
	"object" text NOT NULL,
	"table_name" text NOT NULL,
	"baseline" jsonb NOT NULL,
	"min_calls" integer NOT NULL,
	"max_slower_percent" double precision NOT NULL,
	"roll_back_when_worse" boolean NOT NULL,
	"look_every_seconds" integer NOT NULL,
	"lasts_seconds" integer NOT NULL,
	"state" text NOT NULL,
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"until" timestamp (3) with time zone NOT NULL,
	"next_look_at" timestamp (3) with time zone NOT NULL,
	"evidence" jsonb,
	"look_job_id" uuid,
	"rollback_job_id" uuid,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "watches_state" CHECK (state IN ('prepared', 'open', 'void', 'passed', 'worse', 'rolled_back', 'ended')),
	CONSTRAINT "watches_finished" CHECK ((state IN ('prepared', 'open')) = (finished_at IS NULL)),
	CONSTRAINT "watches_worse_has_evidence" CHECK (NOT (state = 'worse') OR (evidence IS NOT NULL)),
	CONSTRAINT "watches_look_every" CHECK (look_every_seconds >= 1),
	CONSTRAINT "watches_lasts" CHECK (lasts_seconds >= 1)
);
--> statement-breakpoint
ALTER TABLE "observed_objects" DROP CONSTRAINT "observed_objects_kind";--> statement-breakpoint
ALTER TABLE "remnants" DROP CONSTRAINT "remnants_kind";--> statement-breakpoint
CREATE UNIQUE INDEX "audit_exports_open" ON "audit_exports" USING btree ("stream","folder") WHERE completed_at IS NULL;--> statement-breakpoint
CREATE INDEX "audit_exports_latest" ON "audit_exports" USING btree ("folder","stream","until_seq");--> statement-breakpoint
CREATE INDEX "custom_templates_by_creation" ON "custom_templates" USING btree ("created_at","name","version");--> statement-breakpoint
CREATE INDEX "dead_letters_by_age" ON "dead_letters" USING btree ("archived_at");--> statement-breakpoint
CREATE INDEX "effects_by_action" ON "effects" USING btree ("target_id","action","id");--> statement-breakpoint
CREATE INDEX "effects_by_object" ON "effects" USING btree ("target_id","object","id");--> statement-breakpoint
CREATE INDEX "effects_by_age" ON "effects" USING btree ("at");--> statement-breakpoint
CREATE INDEX "follow_ups_open" ON "follow_ups" USING btree ("id") WHERE job_id IS NULL AND refused IS NULL;--> statement-breakpoint
CREATE INDEX "follow_ups_latest" ON "follow_ups" USING btree ("target_id","type","id");--> statement-breakpoint
CREATE INDEX "learnings_by_age" ON "learnings" USING btree ("learned_at","id");--> statement-breakpoint
CREATE INDEX "registered_backups_by_target" ON "registered_backups" USING btree ("target_id","taken_at","id") WHERE deleted_at IS NULL;--> statement-breakpoint
CREATE INDEX "registered_backups_by_kind" ON "registered_backups" USING btree ("target_id","kind","taken_at","id") WHERE deleted_at IS NULL;--> statement-breakpoint
CREATE INDEX "registered_backups_deleted" ON "registered_backups" USING btree ("deleted_at") WHERE deleted_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX "rollback_points_by_job" ON "rollback_points" USING btree ("job_id","created_at");--> statement-breakpoint
CREATE INDEX "rollback_points_by_age" ON "rollback_points" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "watches_due" ON "watches" USING btree ("next_look_at") WHERE state IN ('prepared', 'open');--> statement-breakpoint
CREATE INDEX "watches_worse" ON "watches" USING btree ("id") WHERE state = 'worse' AND rollback_job_id IS NULL;--> statement-breakpoint
CREATE INDEX "watches_by_target" ON "watches" USING btree ("target_id");--> statement-breakpoint
CREATE INDEX "watches_by_rollback_point" ON "watches" USING btree ("rollback_point_id");--> statement-breakpoint
CREATE INDEX "watches_by_age" ON "watches" USING btree ("finished_at");--> statement-breakpoint
ALTER TABLE "observed_objects" ADD CONSTRAINT "observed_objects_kind" CHECK (kind IN ('cluster', 'database', 'table', 'index', 'sequence'));--> statement-breakpoint
ALTER TABLE "remnants" ADD CONSTRAINT "remnants_kind" CHECK (kind IN ('index', 'database', 'session', 'file', 'table'));
--> statement-breakpoint
CREATE FUNCTION refuse_template_change() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND OLD.retired_at IS NULL AND NEW.retired_at IS NOT NULL
		AND to_jsonb(NEW) - 'retired_at' - 'retired_by' = to_jsonb(OLD) - 'retired_at' - 'retired_by' THEN
		RETURN NEW;
	END IF;
	RAISE EXCEPTION '% of % is refused: versions of templates never change', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
--> statement-breakpoint
CREATE TRIGGER custom_templates_never_change BEFORE UPDATE OR DELETE ON custom_templates FOR EACH ROW EXECUTE FUNCTION refuse_template_change();
--> statement-breakpoint
CREATE TRIGGER custom_templates_stay BEFORE TRUNCATE ON custom_templates FOR EACH STATEMENT EXECUTE FUNCTION refuse_template_change();
--> statement-breakpoint
ALTER TABLE custom_templates ENABLE ALWAYS TRIGGER custom_templates_never_change;
--> statement-breakpoint
ALTER TABLE custom_templates ENABLE ALWAYS TRIGGER custom_templates_stay;
