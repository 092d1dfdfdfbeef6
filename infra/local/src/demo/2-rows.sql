-- Filled before there is any index, which is several times as fast.

INSERT INTO customers (email, full_name, phone, country, marketing_opt_in, created_at, last_seen_at)
SELECT 'customer' || n || '@example.com',
       (ARRAY['Ada', 'Grace', 'Edsger', 'Barbara', 'Donald', 'Frances', 'Ken', 'Radia'])[1 + n % 8] || ' '
         || (ARRAY['Okafor', 'Lindqvist', 'Moreau', 'Tanaka', 'Silva', 'Novak', 'Haddad'])[1 + n / 8 % 7],
       CASE WHEN n % 3 > 0 THEN '+49 30 ' || lpad(n::text, 7, '0') END,
       (ARRAY['DE', 'FR', 'NL', 'AT', 'PL', 'SE'])[1 + n % 6],
       n % 4 = 0,
       now() - (20000 - n) * interval '1 hour',
       now() - random() * interval '200 days'
FROM generate_series(1, 20000) AS n;

INSERT INTO addresses (customer_id, kind, street, city, postcode)
SELECT 1 + n % 20000, CASE WHEN n <= 20000 THEN 'billing' ELSE 'shipping' END, 'Hauptstrasse ' || 1 + n % 180,
       (ARRAY['Berlin', 'Lyon', 'Utrecht', 'Wien', 'Gdansk', 'Malmo'])[1 + n % 6], lpad((n % 99999)::text, 5, '0')
FROM generate_series(1, 26000) AS n;

INSERT INTO categories (parent_id, slug, name)
SELECT CASE WHEN n > 8 THEN 1 + n % 8 END, 'category-' || n, 'Category ' || n FROM generate_series(1, 64) AS n;

INSERT INTO products (category_id, sku, name, description, price_cents, active, created_at)
SELECT 1 + n % 64, 'SKU-' || lpad(n::text, 6, '0'), 'Product ' || n, repeat('Sturdy, quiet and easy to clean. ', 1 + n % 6),
       199 + n * 37 % 30000, n % 11 > 0, now() - n * interval '6 hours'
FROM generate_series(1, 4000) AS n;

-- The first month: what the planner believes until somebody analyzes the table again.
INSERT INTO orders (customer_id, status, currency, total_cents, note, placed_at, shipped_at)
SELECT 1 + n * 7 % 2000, 'delivered', 'EUR', 999 + n * 53 % 40000, NULL, placed_at, placed_at + interval '2 days'
FROM generate_series(1, 5000) AS n, LATERAL (SELECT now() - interval '700 days' + n * interval '9 minutes') AS at (placed_at);
ANALYZE orders;
INSERT INTO orders (customer_id, status, currency, total_cents, note, placed_at, shipped_at)
SELECT 1 + n * 7919 % 20000, (ARRAY['delivered', 'delivered', 'delivered', 'shipped', 'cancelled', 'returned'])[1 + n % 6],
       (ARRAY['EUR', 'EUR', 'SEK', 'PLN'])[1 + n % 4], 999 + n * 53 % 40000, CASE WHEN n % 20 = 0 THEN 'Please ring twice' END,
       placed_at, CASE WHEN n % 6 < 4 THEN placed_at + interval '2 days' END
FROM generate_series(1, 75000) AS n, LATERAL (SELECT now() - interval '650 days' + n * interval '12 minutes') AS at (placed_at);

INSERT INTO order_items (order_id, product_id, quantity, unit_price_cents)
SELECT 1 + n % 80000, 1 + (n * 7907::bigint) % 4000, 1 + n % 3, 199 + n % 30000 FROM generate_series(1, 200000) AS n;

INSERT INTO payments (order_id, provider, reference, status, amount_cents, created_at)
SELECT id, (ARRAY['card', 'paypal', 'sepa'])[1 + id % 3], md5(id::text), CASE WHEN status = 'cancelled' THEN 'refunded' ELSE 'paid' END,
       total_cents, placed_at + interval '1 minute'
FROM orders;

INSERT INTO inventory_movements (product_id, warehouse, delta, reason, occurred_at)
SELECT 1 + (n * 7907::bigint) % 4000, 1 + n % 5, CASE WHEN n % 10 = 0 THEN 50 ELSE -1 END,
       CASE WHEN n % 10 = 0 THEN 'delivery' ELSE 'sale' END, now() - (200000 - n) * interval '5 minutes'
FROM generate_series(1, 200000) AS n;

INSERT INTO sessions (customer_id, token, user_agent, started_at, expires_at)
SELECT CASE WHEN n % 3 > 0 THEN 1 + n % 20000 END, md5(random()::text), 'Mozilla/5.0 (X11; Linux x86_64)', started_at, started_at + interval '14 days'
FROM generate_series(1, 180000) AS n, LATERAL (SELECT now() - (180000 - n) * interval '40 seconds') AS at (started_at);

INSERT INTO carts (customer_id, items, total_cents, updated_at)
SELECT 1 + n % 20000, 1, 1999, now() - random() * interval '30 days' FROM generate_series(1, 25000) AS n;
