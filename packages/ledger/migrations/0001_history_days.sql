-- Makes the partitions of jobs, tasks and steps for the UTC day of `at`, unless they are there; returns true when it made them.
-- Any number of sessions may call it at once, inside any transaction. ATTACH takes a lock that lets reads and writes go on,
-- which CREATE … PARTITION OF does not; for the same reason the references are between a day's tables, not the parents.
CREATE FUNCTION ensure_history_day(at timestamp with time zone) RETURNS boolean LANGUAGE plpgsql AS $$
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
	IF EXISTS (SELECT FROM pg_class WHERE relname = 'steps_' || suffix AND relispartition) THEN
		RETURN false;
	END IF;
	PERFORM pg_advisory_xact_lock(hashtext('slacktide.history.ensure'));
	-- Not to_regclass again: this session still remembers that there was none.
	IF EXISTS (SELECT FROM pg_class WHERE relname = 'steps_' || suffix AND relnamespace = current_schema()::regnamespace) THEN
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
-- Small tables with a high turnover: vacuumed by count, not by share.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
--> statement-breakpoint
ALTER TABLE leases SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
