-- An online shop, as one finds them: mostly well made, with what gets forgotten over the years.

CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY,
  email text NOT NULL,
  full_name text NOT NULL,
  phone text,
  country char(2) NOT NULL,
  marketing_opt_in boolean NOT NULL,
  created_at timestamptz NOT NULL,
  last_seen_at timestamptz
);

CREATE TABLE addresses (
  id bigint GENERATED ALWAYS AS IDENTITY,
  customer_id bigint NOT NULL,
  kind text NOT NULL,
  street text NOT NULL,
  city text NOT NULL,
  postcode text NOT NULL
);

CREATE TABLE categories (
  id int GENERATED ALWAYS AS IDENTITY,
  parent_id int,
  slug text NOT NULL,
  name text NOT NULL
);

CREATE TABLE products (
  id bigint GENERATED ALWAYS AS IDENTITY,
  category_id int NOT NULL,
  sku text NOT NULL,
  name text NOT NULL,
  description text NOT NULL,
  price_cents int NOT NULL,
  active boolean NOT NULL,
  created_at timestamptz NOT NULL
);

-- Autovacuum was switched off during a migration once, and never on again: the statistics are those of the first month.
CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY,
  customer_id bigint NOT NULL,
  status text NOT NULL,
  currency char(3) NOT NULL,
  total_cents int NOT NULL,
  note text,
  placed_at timestamptz NOT NULL,
  shipped_at timestamptz
) WITH (autovacuum_enabled = off);

CREATE TABLE order_items (
  id bigint GENERATED ALWAYS AS IDENTITY,
  order_id bigint NOT NULL,
  product_id bigint NOT NULL,
  quantity int NOT NULL,
  unit_price_cents int NOT NULL
);

CREATE TABLE payments (
  id bigint GENERATED ALWAYS AS IDENTITY,
  order_id bigint NOT NULL,
  provider text NOT NULL,
  reference text NOT NULL,
  status text NOT NULL,
  amount_cents int NOT NULL,
  created_at timestamptz NOT NULL
);

-- Old movements are deleted each year.
CREATE TABLE inventory_movements (
  id bigint GENERATED ALWAYS AS IDENTITY,
  product_id bigint NOT NULL,
  warehouse smallint NOT NULL,
  delta int NOT NULL,
  reason text NOT NULL,
  occurred_at timestamptz NOT NULL
) WITH (autovacuum_enabled = off);

-- Many are made, most are deleted within days.
CREATE TABLE sessions (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  customer_id bigint,
  token text NOT NULL,
  user_agent text NOT NULL,
  started_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
) WITH (autovacuum_enabled = off);

-- Updated with every click.
CREATE TABLE carts (
  id bigint GENERATED ALWAYS AS IDENTITY,
  customer_id bigint NOT NULL,
  items int NOT NULL,
  total_cents int NOT NULL,
  updated_at timestamptz NOT NULL
) WITH (autovacuum_enabled = off);
