-- A shop's database as such databases are: grown over years, with each kind of thing that a check has to get right, and its decoys.
-- :owner is an ordinary role of the database's own.
CREATE EXTENSION amcheck; CREATE EXTENSION pgstattuple; CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION btree_gist; CREATE EXTENSION pg_trgm; CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION postgres_fdw;
CREATE SCHEMA shop AUTHORIZATION :owner; CREATE SCHEMA booking AUTHORIZATION :owner; CREATE SCHEMA stock AUTHORIZATION :owner;
CREATE SCHEMA "o'd""d; --" AUTHORIZATION :owner; CREATE SCHEMA dropbox; GRANT CREATE ON SCHEMA dropbox TO PUBLIC;
GRANT CREATE, USAGE ON SCHEMA public TO :owner;
CREATE SERVER nowhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1'); GRANT USAGE ON FOREIGN SERVER nowhere TO :owner;
SET ROLE :owner;

-- Customers: duplicates and redundants of every tricky kind.
CREATE TABLE shop.countries (code char(2) PRIMARY KEY, name text NOT NULL);
CREATE TABLE shop.customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email public.citext NOT NULL UNIQUE, name varchar(200), phone text,
  country_code char(2) REFERENCES shop.countries, city text, deleted_at timestamptz, attributes jsonb, referred_by bigint REFERENCES shop.customers,
  created_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX customers_email_idx ON shop.customers (email);
CREATE INDEX customers_lower_1 ON shop.customers (lower(name)); CREATE INDEX customers_lower_2 ON shop.customers (lower(name::text)) WITH (fillfactor = 70);
CREATE INDEX customers_lower_city ON shop.customers (lower(city));
CREATE INDEX customers_name_1 ON shop.customers (name); CREATE INDEX customers_name_2 ON shop.customers (name text_ops);
CREATE INDEX customers_name_pattern ON shop.customers (name varchar_pattern_ops); CREATE INDEX customers_name_c ON shop.customers (name COLLATE "C");
CREATE INDEX customers_country ON shop.customers (country_code); CREATE INDEX customers_country_city ON shop.customers (country_code, city);
CREATE INDEX customers_city_desc ON shop.customers (city, created_at DESC); CREATE INDEX customers_city_asc ON shop.customers (city, created_at);
CREATE INDEX customers_live ON shop.customers (city) WHERE deleted_at IS NULL; CREATE INDEX customers_live_wide ON shop.customers (city, name) WHERE deleted_at IS NULL;
CREATE INDEX customers_dead ON shop.customers (city) WHERE deleted_at IS NOT NULL;
CREATE INDEX customers_phone_name ON shop.customers (phone) INCLUDE (name); CREATE INDEX customers_phone_city ON shop.customers (phone) INCLUDE (city);
CREATE INDEX customers_phone_both ON shop.customers (phone) INCLUDE (name, city); CREATE INDEX customers_phone_htob ON shop.customers (phone) INCLUDE (city, name);
CREATE INDEX customers_phone_hash ON shop.customers USING hash (phone);
CREATE INDEX customers_new ON shop.customers (created_at DESC); CREATE INDEX customers_old ON shop.customers (created_at);
CREATE INDEX customers_deleted_lazy ON shop.customers (deleted_at DESC NULLS LAST); CREATE INDEX customers_deleted_eager ON shop.customers (deleted_at DESC);
CREATE INDEX customers_attributes ON shop.customers USING gin (attributes); CREATE INDEX customers_attributes_path ON shop.customers USING gin (attributes jsonb_path_ops);
CREATE INDEX customers_trgm_gin ON shop.customers USING gin (name public.gin_trgm_ops);
CREATE INDEX customers_trgm_12 ON shop.customers USING gist (name public.gist_trgm_ops); CREATE INDEX customers_trgm_64 ON shop.customers USING gist (name public.gist_trgm_ops (siglen = 64));
CREATE INDEX customers_brin_32 ON shop.customers USING brin (created_at) WITH (pages_per_range = 32);
CREATE INDEX customers_brin ON shop.customers USING brin (created_at); CREATE INDEX customers_brin_128 ON shop.customers USING brin (created_at) WITH (pages_per_range = 128);
INSERT INTO shop.countries SELECT chr(65 + g / 26) || chr(65 + g % 26), 'Country ' || g FROM generate_series(0, 51) g;
INSERT INTO shop.customers (email, name, phone, country_code, city, attributes, referred_by)
  SELECT 'c' || g || '@example.org', 'Name ' || g % 977, '+49 ' || g, chr(65 + g % 2) || chr(65 + g % 26), 'City ' || g % 50, jsonb_build_object('n', g), NULL FROM generate_series(1, 2000) g;
-- Named like their columns, as splinter confuses them; unique ones of every kind.
CREATE TABLE shop.labels (code text, label text, lang text, rank int, slug text NOT NULL, sku text NOT NULL, note text,
  CONSTRAINT labels_rank_later UNIQUE (rank) DEFERRABLE);
ALTER TABLE shop.labels ADD CONSTRAINT labels_sku_1 UNIQUE (sku); ALTER TABLE shop.labels ADD CONSTRAINT labels_sku_2 UNIQUE (sku);
CREATE INDEX code ON shop.labels (code); CREATE INDEX label ON shop.labels (label);
CREATE UNIQUE INDEX labels_rank_now ON shop.labels (rank); CREATE INDEX labels_rank_plain ON shop.labels (rank);
CREATE UNIQUE INDEX labels_slug_1 ON shop.labels (slug); CREATE UNIQUE INDEX labels_slug_2 ON shop.labels (slug); ALTER TABLE shop.labels REPLICA IDENTITY USING INDEX labels_slug_2;
CREATE UNIQUE INDEX labels_lang ON shop.labels (lang); CREATE UNIQUE INDEX labels_lang_code ON shop.labels (lang, code);
CREATE INDEX labels_note ON shop.labels (note); CREATE INDEX labels_note_lang ON shop.labels (note, lang); ALTER TABLE shop.labels CLUSTER ON labels_note;
DO $$ BEGIN IF current_setting('server_version_num')::int >= 150000 THEN
  EXECUTE 'CREATE UNIQUE INDEX labels_lang_nulls ON shop.labels (lang) NULLS NOT DISTINCT'; END IF; END $$;
INSERT INTO shop.labels SELECT g, g, g, g, g, g, g FROM generate_series(1, 300) g;

-- Orders: partitions two levels deep, foreign keys from, to and between them.
CREATE TABLE shop.coupons (id int PRIMARY KEY, code text); CREATE TABLE shop.addresses (id int PRIMARY KEY, street text);
CREATE TABLE shop.orders (id bigint, placed_at date NOT NULL, customer_id bigint NOT NULL REFERENCES shop.customers, ship_to int REFERENCES shop.addresses,
  bill_to int REFERENCES shop.addresses, coupon_id int REFERENCES shop.coupons ON DELETE SET NULL, status text, total numeric CONSTRAINT total_positive CHECK (total > 0),
  PRIMARY KEY (id, placed_at)) PARTITION BY RANGE (placed_at);
CREATE TABLE shop.orders_2023 PARTITION OF shop.orders FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE shop.orders_2024 PARTITION OF shop.orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY RANGE (placed_at);
CREATE TABLE shop.orders_2024_h1 PARTITION OF shop.orders_2024 FOR VALUES FROM ('2024-01-01') TO ('2024-07-01'); CREATE TABLE shop.orders_2024_h2 PARTITION OF shop.orders_2024 FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
CREATE TABLE shop.orders_rest PARTITION OF shop.orders DEFAULT;
CREATE INDEX orders_customer ON shop.orders (customer_id); CREATE INDEX orders_customer_status ON shop.orders (customer_id, status); CREATE INDEX orders_total ON shop.orders (total);
CREATE INDEX orders_2023_total_own ON shop.orders_2023 (total); CREATE INDEX orders_2023_id_total ON shop.orders_2023 (id, total);
CREATE INDEX orders_2023_bill ON shop.orders_2023 (bill_to); CREATE INDEX orders_24h1_bill ON shop.orders_2024_h1 (bill_to); CREATE INDEX orders_24h2_bill ON shop.orders_2024_h2 (bill_to); CREATE INDEX orders_rest_bill ON shop.orders_rest (bill_to);
CREATE INDEX orders_2023_coupon ON shop.orders_2023 (coupon_id);
CREATE INDEX orders_status ON ONLY shop.orders (status); CREATE INDEX orders_2023_status ON shop.orders_2023 (status); ALTER INDEX shop.orders_status ATTACH PARTITION shop.orders_2023_status;
INSERT INTO shop.addresses SELECT g, 'Street ' || g FROM generate_series(1, 20) g; INSERT INTO shop.coupons SELECT g, 'SAVE' || g FROM generate_series(1, 20) g;
INSERT INTO shop.orders SELECT g, date '2023-01-01' + g % 900, 1 + g % 2000, 1 + g % 20, 1 + g % 20, 1 + g % 20, CASE g % 3 WHEN 0 THEN 'open' ELSE 'sent' END, g FROM generate_series(1, 3000) g;
-- A partition that was taken out, and keeps its indexes' names.
CREATE TABLE shop.orders_2022 (LIKE shop.orders INCLUDING CONSTRAINTS); CREATE INDEX orders_2022_customer_id_idx ON shop.orders_2022 (customer_id);

-- Order items: what covers a foreign key, and what only looks as if it did.
CREATE TABLE shop.products (id int PRIMARY KEY, sku text NOT NULL UNIQUE, name text, UNIQUE (id, sku));
CREATE TABLE shop.items (order_id bigint, placed_at date, product_id int NOT NULL REFERENCES shop.products ON DELETE CASCADE, product_2 int REFERENCES shop.products, product_3 int REFERENCES shop.products,
  product_4 int REFERENCES shop.products, product_5 int REFERENCES shop.products, product_6 int REFERENCES shop.products, product_7 int REFERENCES shop.products, product_8 int REFERENCES shop.products, product_9 int REFERENCES shop.products,
  sku_1 text REFERENCES shop.products (sku), sku_2 text REFERENCES shop.products (sku), sku_3 text, quantity int, FOREIGN KEY (order_id, placed_at) REFERENCES shop.orders, FOREIGN KEY (product_9, sku_3) REFERENCES shop.products (id, sku));
CREATE INDEX items_order_reversed ON shop.items (placed_at, order_id, quantity);
CREATE INDEX items_product_full ON shop.items (product_id, quantity);
CREATE INDEX items_2_not_null ON shop.items (product_2) WHERE product_2 IS NOT NULL; CREATE INDEX items_3_some ON shop.items (product_3) WHERE quantity > 10;
CREATE INDEX items_4_hash ON shop.items USING hash (product_4); CREATE INDEX items_5_brin ON shop.items USING brin (product_5);
CREATE INDEX items_6_included ON shop.items (quantity) INCLUDE (product_6); CREATE INDEX items_7_expression ON shop.items ((product_7 + 0));
CREATE INDEX items_8_invalid ON shop.items (product_8); CREATE INDEX items_9_leading ON shop.items (product_9);
CREATE INDEX items_sku_1_c ON shop.items (sku_1 COLLATE "C"); CREATE INDEX items_sku_2_pattern ON shop.items (sku_2 text_pattern_ops);
INSERT INTO shop.products SELECT g, 'SKU' || g, 'Product ' || g FROM generate_series(1, 100) g;
INSERT INTO shop.items SELECT g, date '2023-01-01' + g % 900, p, p, p, p, p, p, p, p, p, 'SKU' || p, 'SKU' || p, 'SKU' || p, g % 20 FROM generate_series(1, 3000) g, LATERAL (SELECT 1 + g % 100 AS p) each;
CREATE TABLE booking.rooms (id int PRIMARY KEY, name text);
CREATE TABLE booking.bookings (id int PRIMARY KEY, room int NOT NULL REFERENCES booking.rooms, during daterange NOT NULL, guest bigint REFERENCES shop.customers, EXCLUDE USING gist (room WITH =, during WITH &&));
CREATE INDEX bookings_room_during ON booking.bookings USING gist (room, during); CREATE UNIQUE INDEX rooms_id ON booking.rooms (id);
INSERT INTO booking.rooms SELECT g, g FROM generate_series(1, 5) g; INSERT INTO booking.bookings SELECT g, 1 + g % 5, daterange(current_date + g, current_date + g + 1), 1 + g FROM generate_series(1, 200) g;

-- Constraints that do not hold for sure.
CREATE TABLE shop.payments (id int PRIMARY KEY, amount numeric, method text, order_id bigint, placed_at date, refunds int);
INSERT INTO shop.payments SELECT g, g - 10, 'card', g, date '2023-01-01' + g % 900, NULL FROM generate_series(1, 500) g;
ALTER TABLE shop.payments ADD CONSTRAINT payments_positive CHECK (amount > 0) NOT VALID, ADD CONSTRAINT payments_method CHECK (method IN ('card', 'cash')) NOT VALID,
  ADD CONSTRAINT payments_order FOREIGN KEY (order_id, placed_at) REFERENCES shop.orders NOT VALID, ADD CONSTRAINT payments_refunds FOREIGN KEY (refunds) REFERENCES shop.payments;
CREATE INDEX payments_order ON shop.payments (order_id); CREATE INDEX payments_refunds ON shop.payments (refunds);
CREATE DOMAIN shop.percentage AS int; CREATE TABLE shop.taxes (id int PRIMARY KEY, rate shop.percentage); INSERT INTO shop.taxes SELECT g, g FROM generate_series(1, 50) g;
ALTER DOMAIN shop.percentage ADD CONSTRAINT percentage_range CHECK (VALUE BETWEEN 0 AND 100) NOT VALID;
CREATE TABLE shop.archived_taxes (CONSTRAINT heirs_too CHECK (id > 0)) INHERITS (shop.taxes); CREATE TABLE shop.vouchers (id int PRIMARY KEY, customer bigint REFERENCES shop.customers);
CREATE INDEX vouchers_customer ON shop.vouchers (customer); INSERT INTO shop.vouchers SELECT g, g FROM generate_series(1, 100) g;
RESET ROLE; ALTER TABLE shop.vouchers DISABLE TRIGGER ALL; SET ROLE :owner;
DO $$ BEGIN IF current_setting('server_version_num')::int >= 180000 THEN
  EXECUTE 'ALTER TABLE shop.payments ADD CONSTRAINT payments_method_known NOT NULL method NOT VALID, ADD CONSTRAINT payments_hint CHECK (id < 100) NOT ENFORCED'; END IF; END $$;

-- Stock: hostile names, generated columns, storage, wide rows, a heap with waste.
CREATE TABLE "o'd""d; --"."we""ird; -- $$ %s" ("a'; DROP" int, "B""b" text, "ünï çødé" text, PRIMARY KEY ("a'; DROP"));
CREATE INDEX "we""ird; --1" ON "o'd""d; --"."we""ird; -- $$ %s" ("B""b"); CREATE INDEX "we""ird; --2" ON "o'd""d; --"."we""ird; -- $$ %s" ("B""b") WHERE "ünï çødé" <> '''; DROP';
CREATE INDEX "we""ird; --3" ON "o'd""d; --"."we""ird; -- $$ %s" ("B""b") WHERE "ünï çødé" <> '''; DROP';
CREATE TABLE "o'd""d; --"."Kid" (id int PRIMARY KEY, "Par ent" int CONSTRAINT "Kid; fk" REFERENCES "o'd""d; --"."we""ird; -- $$ %s");
ALTER TABLE "o'd""d; --"."Kid" ADD CONSTRAINT "Kid; check" CHECK ("Par ent" > 0) NOT VALID;
INSERT INTO "o'd""d; --"."we""ird; -- $$ %s" SELECT g, g, g FROM generate_series(1, 100) g; INSERT INTO "o'd""d; --"."Kid" SELECT g, g % 100 + 1 FROM generate_series(1, 200) g;
CREATE TABLE stock.moves (id int PRIMARY KEY, sku text, moved_at timestamptz, day date GENERATED ALWAYS AS ((moved_at AT TIME ZONE 'UTC')::date) STORED, body text) WITH (autovacuum_enabled = off);
CREATE INDEX moves_sku ON stock.moves (sku); CREATE INDEX moves_day ON stock.moves (day); CREATE UNLOGGED TABLE stock.cache (k text PRIMARY KEY, v text);
INSERT INTO stock.moves (id, sku, moved_at, body) SELECT g, 'SKU' || g % 100, '2024-01-01', repeat('x', 400) FROM generate_series(1, 8000) g; DELETE FROM stock.moves WHERE id > 1200;
CREATE TABLE stock.never_analysed (id int, body text); INSERT INTO stock.never_analysed SELECT g, g FROM generate_series(1, 4000) g;
CREATE TABLE stock.empty (id int PRIMARY KEY, move int REFERENCES stock.moves);
CREATE TABLE stock.parent (id int PRIMARY KEY, a int); CREATE TABLE stock.child () INHERITS (stock.parent); CREATE INDEX parent_a ON stock.parent (a); CREATE INDEX child_a ON stock.child (a);

CREATE TABLE stock.ledger (id int PRIMARY KEY, entry text); CREATE INDEX ledger_entry ON stock.ledger (entry); INSERT INTO stock.ledger SELECT g, 'entry ' || g FROM generate_series(1, 10000) g; DELETE FROM stock.ledger WHERE id % 20 > 0;
CREATE TABLE stock.logs (id int, at date, move int) PARTITION BY RANGE (at); CREATE TABLE stock.logs_here PARTITION OF stock.logs DEFAULT; CREATE INDEX logs_at ON stock.logs (at);
CREATE FOREIGN TABLE stock.logs_there PARTITION OF stock.logs FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') SERVER nowhere; CREATE FOREIGN TABLE stock.far (id int, CONSTRAINT far_id CHECK (id > 0)) SERVER nowhere;
ALTER FOREIGN TABLE stock.far ADD CONSTRAINT far_later CHECK (id < 9) NOT VALID; INSERT INTO stock.logs SELECT g, '2022-01-01', g FROM generate_series(1, 500) g;
CREATE TABLE "o'd""d; --"."üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüx" (id int PRIMARY KEY, "ßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßß" int REFERENCES "o'd""d; --"."Kid"); INSERT INTO "o'd""d; --"."üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüx" SELECT g, g FROM generate_series(1, 100) g;

-- Materialized views, row level security, routines.
CREATE MATERIALIZED VIEW shop.revenue AS SELECT status, count(*) AS orders, sum(total) AS total FROM shop.orders GROUP BY status;
CREATE MATERIALIZED VIEW shop.revenue_keyed AS SELECT status, count(*) AS orders FROM shop.orders GROUP BY status; CREATE UNIQUE INDEX revenue_status ON shop.revenue_keyed (status);
CREATE MATERIALIZED VIEW shop.revenue_partial AS SELECT id, name FROM shop.products; CREATE UNIQUE INDEX revenue_partial_id ON shop.revenue_partial (id) WHERE id > 0;
CREATE MATERIALIZED VIEW shop.revenue_later AS SELECT id FROM shop.products WITH NO DATA; CREATE UNIQUE INDEX revenue_later_id ON shop.revenue_later (id);
CREATE TABLE shop.notes (id int PRIMARY KEY, author name, body text); CREATE POLICY mine ON shop.notes USING (author = current_user);
CREATE TABLE shop.secrets (id int PRIMARY KEY); ALTER TABLE shop.secrets ENABLE ROW LEVEL SECURITY;
CREATE TABLE shop.posts (id int PRIMARY KEY, author name); ALTER TABLE shop.posts ENABLE ROW LEVEL SECURITY; CREATE POLICY anyone ON shop.posts USING (true) WITH CHECK (true);
CREATE TABLE shop.drafts (id int PRIMARY KEY, author name); ALTER TABLE shop.drafts ENABLE ROW LEVEL SECURITY; CREATE POLICY anyone ON shop.drafts USING (true); CREATE POLICY own ON shop.drafts AS RESTRICTIVE USING (author = current_user);
CREATE TABLE shop.locked_up (id int PRIMARY KEY); ALTER TABLE shop.locked_up ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON shop.secrets FOR SELECT USING (true); CREATE VIEW shop.all_posts AS SELECT * FROM shop.posts;
CREATE VIEW shop.plain AS SELECT id FROM shop.products;
DO $$ BEGIN IF current_setting('server_version_num')::int >= 150000 THEN
  EXECUTE 'CREATE VIEW shop.own_posts WITH (security_invoker) AS SELECT * FROM shop.posts'; END IF; END $$;
CREATE FUNCTION shop.as_invoker() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION shop.definer_safe() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT 1';
CREATE FUNCTION shop.definer_bare() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; CREATE PROCEDURE shop.definer_open(text) LANGUAGE sql SECURITY DEFINER SET search_path = dropbox, pg_temp AS 'SELECT 1';
RESET ROLE; CREATE FUNCTION shop.definer_powerful(int, int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';

-- What belongs to an extension is nobody's to change.
CREATE TABLE public.extension_table (id int, other int REFERENCES shop.coupons); ALTER TABLE public.extension_table ADD CONSTRAINT of_extension CHECK (id > 0) NOT VALID;
CREATE INDEX extension_1 ON public.extension_table (other, id); CREATE INDEX extension_2 ON public.extension_table (id); CREATE INDEX extension_3 ON public.extension_table (id);
CREATE FUNCTION public.extension_definer() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
ALTER EXTENSION hstore ADD TABLE public.extension_table; ALTER EXTENSION hstore ADD FUNCTION public.extension_definer();

-- Indexes left behind, and a valid one that is only named like them.
SET ROLE :owner;
CREATE INDEX customers_city_asc_ccnew ON shop.customers (city, created_at); CREATE INDEX customers_name_c_ccnew ON shop.customers (name COLLATE "C", city);
CREATE UNIQUE INDEX payments_method ON shop.payments (method) WHERE id < 0; CREATE INDEX payments_amount ON shop.payments (amount);
RESET ROLE;
UPDATE pg_index SET indisvalid = false, indisready = false WHERE indexrelid IN ('shop.customers_city_asc_ccnew'::regclass, 'shop.payments_amount'::regclass);
UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('shop.items_8_invalid'::regclass, 'shop.payments_method'::regclass);

-- ---- A session of its own, as counters of the one that wrote are told when it ends.
ANALYZE shop.customers, shop.labels, shop.orders, shop.items, shop.products, shop.countries, shop.coupons, shop.addresses, shop.payments, shop.taxes, shop.vouchers, booking.bookings, booking.rooms,
  "o'd""d; --"."we""ird; -- $$ %s", "o'd""d; --"."Kid", "o'd""d; --"."üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüx", stock.moves, stock.ledger, shop.revenue, shop.revenue_keyed, shop.revenue_partial;
-- Scans of one partition's index, of one index often and of one seldom.
SET enable_seqscan = off; SET enable_bitmapscan = off;
DO $$ BEGIN FOR i IN 1 .. 12 LOOP PERFORM total FROM shop.orders_rest WHERE total = i; PERFORM sku FROM stock.moves WHERE sku = 'SKU1' LIMIT 1; END LOOP;
  FOR i IN 1 .. 3 LOOP PERFORM day FROM stock.moves WHERE day = '2024-01-01' LIMIT 1; END LOOP; END $$;
RESET enable_seqscan; RESET enable_bitmapscan;
-- ---- VACUUM is no part of a transaction.
VACUUM ANALYZE stock.ledger;
