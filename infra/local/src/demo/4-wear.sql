-- What the years leave behind. Rows go at random, so that no page becomes empty: only a rebuild makes these indexes small.
DELETE FROM sessions WHERE random() < 0.85;
DELETE FROM inventory_movements WHERE random() < 0.75;

-- Dead rows nobody has cleaned up.
UPDATE carts SET items = items + 1, total_cents = total_cents + 999;
UPDATE carts SET items = items + 1, updated_at = now() WHERE id % 2 = 0;
DELETE FROM carts WHERE id % 5 = 0;
UPDATE orders SET status = 'archived' WHERE placed_at < now() - interval '500 days' AND status = 'delivered';

-- A day's look-ups, so that an index which is used has been seen to be used.
SET LOCAL enable_seqscan = off;
DO $$
DECLARE
  found bigint;
BEGIN
  FOR n IN 1..100 LOOP
    SELECT count(*) INTO found FROM orders WHERE customer_id = n AND placed_at > now() - interval '90 days';
    SELECT count(*) INTO found FROM order_items WHERE order_id = n;
    SELECT count(*) INTO found FROM payments WHERE order_id = n;
    SELECT count(*) INTO found FROM addresses WHERE customer_id = n;
    SELECT count(*) INTO found FROM products WHERE category_id = n % 64;
    SELECT count(*) INTO found FROM inventory_movements WHERE product_id = n;
    SELECT count(*) INTO found FROM inventory_movements WHERE occurred_at > now() - n * interval '1 minute';
    SELECT count(*) INTO found FROM sessions WHERE token = md5(n::text);
    SELECT count(*) INTO found FROM sessions WHERE expires_at BETWEEN now() AND now() + n * interval '1 second';
    SELECT count(*) INTO found FROM carts WHERE customer_id = n;
  END LOOP;
END
$$;
