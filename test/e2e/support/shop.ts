/** A table whose index is mostly dead space, and whose statistics were never gathered. */
export const bloatedShop = `
  CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, placed_at timestamptz NOT NULL) WITH (autovacuum_enabled = off);
  INSERT INTO orders SELECT i, i % 5000, now() - make_interval(secs => i) FROM generate_series(1, 120000) i;
  CREATE INDEX orders_placed_at ON orders (placed_at);
  DELETE FROM orders WHERE id % 10 <> 0;
`;
