ALTER TABLE customers ADD PRIMARY KEY (id), ADD CONSTRAINT customers_email_key UNIQUE (email);
ALTER TABLE addresses ADD PRIMARY KEY (id), ADD FOREIGN KEY (customer_id) REFERENCES customers;
ALTER TABLE categories ADD PRIMARY KEY (id), ADD CONSTRAINT categories_slug_key UNIQUE (slug), ADD FOREIGN KEY (parent_id) REFERENCES categories;
ALTER TABLE products ADD PRIMARY KEY (id), ADD CONSTRAINT products_sku_key UNIQUE (sku), ADD FOREIGN KEY (category_id) REFERENCES categories;
ALTER TABLE orders ADD PRIMARY KEY (id), ADD FOREIGN KEY (customer_id) REFERENCES customers;
-- Missing: an index for order_items.product_id. Deleting a product reads the whole table.
ALTER TABLE order_items ADD PRIMARY KEY (id), ADD FOREIGN KEY (order_id) REFERENCES orders, ADD FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE payments ADD PRIMARY KEY (id), ADD FOREIGN KEY (order_id) REFERENCES orders;
ALTER TABLE inventory_movements ADD PRIMARY KEY (id);
ALTER TABLE sessions ADD PRIMARY KEY (id);
ALTER TABLE carts ADD PRIMARY KEY (id), ADD FOREIGN KEY (customer_id) REFERENCES customers;

CREATE INDEX addresses_customer_id_idx ON addresses (customer_id);
CREATE INDEX products_category_id_idx ON products (category_id);
CREATE INDEX orders_customer_id_placed_at_idx ON orders (customer_id, placed_at);
CREATE INDEX order_items_order_id_idx ON order_items (order_id);
CREATE INDEX payments_order_id_idx ON payments (order_id);
CREATE INDEX inventory_movements_product_id_idx ON inventory_movements (product_id);
CREATE INDEX inventory_movements_occurred_at_idx ON inventory_movements (occurred_at);
CREATE INDEX sessions_token_idx ON sessions (token);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);
CREATE INDEX carts_customer_id_idx ON carts (customer_id);

-- Unused: nothing looks these columns up.
CREATE INDEX customers_phone_idx ON customers (phone);
CREATE INDEX orders_note_idx ON orders (note);
CREATE INDEX payments_reference_idx ON payments (reference);

-- Duplicate: the same columns twice, under the name of another migration.
CREATE INDEX idx_order_items_order ON order_items (order_id);
CREATE INDEX customers_email_lookup ON customers (email);

-- Redundant: another index begins with the same columns.
CREATE INDEX orders_customer_id_idx ON orders (customer_id);

ANALYZE customers, addresses, categories, products, order_items, payments, inventory_movements, sessions;
