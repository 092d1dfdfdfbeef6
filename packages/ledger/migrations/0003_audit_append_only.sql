CREATE TABLE "audit_sealing" (
	"only_row" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"settled_id" bigint DEFAULT 0 NOT NULL,
	"asked_id" bigint,
	"writers" text[],
	CONSTRAINT "audit_sealing_only_row" CHECK (only_row),
	CONSTRAINT "audit_sealing_asked" CHECK ((asked_id IS NULL) = (writers IS NULL))
);
--> statement-breakpoint
INSERT INTO audit_sealing DEFAULT VALUES;
--> statement-breakpoint
-- The audit log only grows, whoever asks. ALWAYS: also where session_replication_role turns other triggers off.
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION '% of % is refused: the audit log only grows', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
--> statement-breakpoint
CREATE TRIGGER audit_events_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
--> statement-breakpoint
CREATE TRIGGER audit_seals_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
--> statement-breakpoint
ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_only_grow;
--> statement-breakpoint
ALTER TABLE audit_seals ENABLE ALWAYS TRIGGER audit_seals_only_grow;
--> statement-breakpoint
-- As in 0001, and with the rights of the ledger's owner: the apps' role owns no table. What it does is bounded by its body,
-- whose names are looked up here only; pg_catalog goes before what is named, and nobody's temporary objects before that.
CREATE OR REPLACE FUNCTION ensure_history_day(at timestamp with time zone) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	day date := (at AT TIME ZONE 'UTC')::date;
	suffix text := to_char(day, 'YYYYMMDD');
	first_instant timestamp with time zone := day::timestamp AT TIME ZONE 'UTC';
	next_instant timestamp with time zone := (day + 1)::timestamp AT TIME ZONE 'UTC';
	parent text;
BEGIN
	-- A day that is long over may be pruned at this moment: wait for it, and keep it out until this transaction ends.
	IF at < now() - interval '1 hour' THEN
		PERFORM pg_advisory_xact_lock_shared(hashtext('slacktide.history.prune'));
	END IF;
	-- Asked of pg_class, not to_regclass: that answers from a cache which waiting for an advisory lock does not refresh.
	IF EXISTS (SELECT FROM pg_class WHERE relname = 'steps_' || suffix AND relispartition AND relnamespace = 'public'::regnamespace) THEN
		RETURN false;
	END IF;
	PERFORM pg_advisory_xact_lock(hashtext('slacktide.history.ensure'));
	-- Not to_regclass again: this session still remembers that there was none.
	IF EXISTS (SELECT FROM pg_class WHERE relname = 'steps_' || suffix AND relnamespace = 'public'::regnamespace) THEN
		RETURN false;
	END IF;
	EXECUTE format('CREATE TABLE %I (LIKE jobs INCLUDING ALL)', 'jobs_' || suffix);
	-- Their indexed columns never change: room on the page keeps updates out of the indexes.
	EXECUTE format(
		'CREATE TABLE %I (LIKE tasks INCLUDING ALL, FOREIGN KEY (scheduled_for, job_id) REFERENCES %I (scheduled_for, id)) WITH (fillfactor = 70)',
		'tasks_' || suffix, 'jobs_' || suffix
	);
	EXECUTE format(
		'CREATE TABLE %I (LIKE steps INCLUDING ALL, FOREIGN KEY (scheduled_for, task_id) REFERENCES %I (scheduled_for, id)) WITH (fillfactor = 70)',
		'steps_' || suffix, 'tasks_' || suffix
	);
	FOREACH parent IN ARRAY ARRAY['jobs', 'tasks', 'steps'] LOOP
		EXECUTE format(
			'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
			parent, parent || '_' || suffix, first_instant, next_instant
		);
	END LOOP;
	RETURN true;
END
$$;
--> statement-breakpoint
-- Keeps writers out of a day until the transaction ends, for its figures to be taken; false when the day has no tables, or a
-- job that is not over. The first lock keeps out who would add to the day, and another prune.
CREATE FUNCTION lock_history_day(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	suffix text := to_char(day, 'YYYYMMDD');
	open boolean;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('slacktide.history.prune'));
	IF NOT EXISTS (SELECT FROM pg_class WHERE relname = 'jobs_' || suffix AND relispartition AND relnamespace = 'public'::regnamespace) THEN
		RETURN false;
	END IF;
	EXECUTE format('LOCK TABLE ONLY %I, ONLY %I, ONLY %I IN SHARE ROW EXCLUSIVE MODE', 'jobs_' || suffix, 'tasks_' || suffix, 'steps_' || suffix);
	EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE finished_at IS NULL)', 'jobs_' || suffix) INTO open;
	RETURN NOT open;
END
$$;
--> statement-breakpoint
-- Drops the tables of a day whose jobs are all over.
CREATE FUNCTION drop_history_day(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	suffix text := to_char(day, 'YYYYMMDD');
BEGIN
	IF NOT lock_history_day(day) THEN
		RAISE EXCEPTION 'history of % cannot be dropped: it has no tables, or a job that is not over', day;
	END IF;
	EXECUTE format('DROP TABLE %I, %I, %I', 'steps_' || suffix, 'tasks_' || suffix, 'jobs_' || suffix);
END
$$;
--> statement-breakpoint
-- Who may call them is granted to the apps' role after the migrations.
REVOKE EXECUTE ON FUNCTION ensure_history_day(timestamp with time zone), lock_history_day(date), drop_history_day(date) FROM PUBLIC;
