CREATE TABLE "care_settings" (
	"origin" text NOT NULL,
	"target_id" text NOT NULL,
	"settings" jsonb NOT NULL,
	"version" integer NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "care_settings_pkey" PRIMARY KEY("origin","target_id"),
	CONSTRAINT "care_settings_origin" CHECK (origin IN ('file', 'fleet', 'target')),
	CONSTRAINT "care_settings_target" CHECK ((origin = 'target') = (target_id <> '')),
	CONSTRAINT "care_settings_object" CHECK (jsonb_typeof(settings) = 'object'),
	CONSTRAINT "care_settings_version" CHECK (version >= 1)
);
--> statement-breakpoint
CREATE TABLE "check_runs" (
	"target_id" text NOT NULL,
	"check_name" text NOT NULL,
	"task_id" uuid NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"checked" integer NOT NULL,
	"skipped" jsonb NOT NULL,
	"unknown" jsonb NOT NULL,
	"found" integer NOT NULL,
	"figures" jsonb NOT NULL,
	"config" jsonb NOT NULL,
	CONSTRAINT "check_runs_pkey" PRIMARY KEY("target_id","check_name"),
	CONSTRAINT "check_runs_counts" CHECK (checked >= 0 AND found >= 0)
);
--> statement-breakpoint
CREATE TABLE "check_snapshots" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "check_snapshots_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"target_id" text NOT NULL,
	"check_name" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"values" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "findings" (
	"id" uuid PRIMARY KEY NOT NULL,
	"target_id" text NOT NULL,
	"check_name" text NOT NULL,
	"fingerprint" text NOT NULL,
	"severity" text NOT NULL,
	"object" jsonb NOT NULL,
	"summary" text NOT NULL,
	"evidence" jsonb NOT NULL,
	"action" jsonb,
	"config" jsonb NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone NOT NULL,
	"resolved_at" timestamp (3) with time zone,
	"occurrences" integer NOT NULL,
	"mute_reason" text,
	"mute_until" timestamp (3) with time zone,
	"muted_by" text,
	"muted_at" timestamp (3) with time zone,
	"task_id" uuid NOT NULL,
	CONSTRAINT "findings_fingerprint" UNIQUE("target_id","check_name","fingerprint"),
	CONSTRAINT "findings_id" CHECK (('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint = (extract(epoch FROM first_seen_at) * 1000)::bigint),
	CONSTRAINT "findings_severity" CHECK (severity IN ('info', 'warning', 'critical')),
	CONSTRAINT "findings_object" CHECK (jsonb_typeof(object) = 'object'),
	CONSTRAINT "findings_occurrences" CHECK (occurrences >= 1),
	CONSTRAINT "findings_mute_whole" CHECK (num_nulls(mute_reason, muted_by, muted_at) IN (0, 3)),
	CONSTRAINT "findings_mute_until" CHECK (NOT (mute_until IS NOT NULL) OR (muted_at IS NOT NULL))
);
--> statement-breakpoint
CREATE TABLE "object_samples" (
	"object_id" bigint NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"resolution" text NOT NULL,
	"counters" double precision[] NOT NULL,
	"gauges" double precision[] NOT NULL,
	"gauge_peaks" double precision[],
	CONSTRAINT "object_samples_pkey" PRIMARY KEY("object_id","at","resolution"),
	CONSTRAINT "object_samples_resolution" CHECK (resolution IN ('hour', 'day'))
);
--> statement-breakpoint
CREATE TABLE "observed_objects" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "observed_objects_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"target_id" text,
	"node" text NOT NULL,
	"kind" text NOT NULL,
	"oid" bigint NOT NULL,
	"name" text NOT NULL,
	"filenode" bigint,
	"epoch" text NOT NULL,
	"span_started_at" timestamp (3) with time zone NOT NULL,
	"last_sampled_at" timestamp (3) with time zone NOT NULL,
	"changed_at" timestamp (3) with time zone NOT NULL,
	"counter_names" text[] NOT NULL,
	"counters" double precision[] NOT NULL,
	"span_counters" double precision[] NOT NULL,
	"gauge_names" text[] NOT NULL,
	"gauges" double precision[] NOT NULL,
	"gone_at" timestamp (3) with time zone,
	CONSTRAINT "observed_objects_object" UNIQUE("target_id","node","kind","oid"),
	CONSTRAINT "observed_objects_kind" CHECK (kind IN ('cluster', 'database', 'table', 'index')),
	CONSTRAINT "observed_objects_figures" CHECK (cardinality(counters) = cardinality(counter_names) AND cardinality(span_counters) = cardinality(counter_names)
        AND cardinality(gauges) = cardinality(gauge_names))
);
--> statement-breakpoint
ALTER TABLE "targets" ADD COLUMN "standbys" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
CREATE INDEX "check_snapshots_series" ON "check_snapshots" USING btree ("target_id","check_name","at","id");--> statement-breakpoint
CREATE INDEX "findings_by_sight" ON "findings" USING btree ("first_seen_at","id");--> statement-breakpoint
CREATE INDEX "findings_by_target" ON "findings" USING btree ("target_id","first_seen_at","id");--> statement-breakpoint
CREATE INDEX "findings_by_check" ON "findings" USING btree ("check_name","first_seen_at","id");--> statement-breakpoint
CREATE INDEX "findings_by_severity" ON "findings" USING btree ("severity","first_seen_at","id");--> statement-breakpoint
CREATE INDEX "findings_unresolved" ON "findings" USING btree ("first_seen_at","id") WHERE resolved_at IS NULL;--> statement-breakpoint
CREATE INDEX "object_samples_by_age" ON "object_samples" USING btree ("resolution","at");--> statement-breakpoint
CREATE INDEX "observed_objects_gone" ON "observed_objects" USING btree ("gone_at") WHERE gone_at IS NOT NULL;--> statement-breakpoint
ALTER TABLE "targets" ADD CONSTRAINT "targets_standbys_texts" CHECK (jsonb_typeof(standbys) = 'array' AND NOT jsonb_path_exists(standbys, 'strict $[*] ? (@.type() != "string")', '{}', true));--> statement-breakpoint
ALTER TABLE "targets" ADD CONSTRAINT "targets_standbys_no_password" CHECK (NOT jsonb_path_exists(standbys, 'strict $[*] ? (@ like_regex "^[a-z]+://[^/?#@]*:[^/?#@]*@" || @ like_regex "[?&]password=")', '{}', true));--> statement-breakpoint
-- Every look rewrites every row, none of whose indexed columns changes: room on the page keeps it out of the indexes.
ALTER TABLE observed_objects SET (fillfactor = 60);
