import type pg from 'pg';
import type { RecordedStatement } from '../../../packages/learning/test/recordings/recording.ts';

const steps = 12;
const orders = 400_000;

/** A statement of the application, and when it is executed. */
interface Script {
  readonly sql: string;
  readonly madeSlow: boolean;
  /** What comes new later is what no rule can have seen before. */
  readonly fromStep: number;
  readonly times: number;
}

const fixture = [
  'CREATE EXTENSION IF NOT EXISTS pg_stat_statements',
  'CREATE TABLE customers (id int PRIMARY KEY, name text, region int)',
  'CREATE TABLE orders (id int PRIMARY KEY, customer_id int, status int, amount int, note text)',
  'CREATE TABLE lines (id int PRIMARY KEY, order_id int, product int, price int)',
  `INSERT INTO customers SELECT n, 'customer ' || n, n % 50 FROM generate_series(1, 20000) n`,
  `INSERT INTO orders SELECT n, n % 20000, n % 5, n % 1000, md5(n::text) FROM generate_series(1, ${orders}) n`,
  'INSERT INTO lines SELECT n, n / 2, n % 300, n % 90 FROM generate_series(1, 300000) n',
  'CREATE INDEX orders_amount ON orders (amount, status)',
  'VACUUM ANALYZE',
];

/** `$` stands for a number from 1 to 97 that differs each time. Nothing is computed of literals alone: the planner would not know their types. */
const slow = (sql: string, fromStep = 0): Script => ({ sql, madeSlow: true, fromStep, times: 2 });
const fast = (sql: string, fromStep = 0): Script => ({ sql, madeSlow: false, fromStep, times: 6 });

/** Slow ones lack an index, or compute something for each row; among the fast ones are some whose plan looks dear. */
const scripts: readonly Script[] = [
  slow(`SELECT sum(x.price) FROM customers c CROSS JOIN LATERAL
    (SELECT price FROM lines l WHERE l.product = c.region + $ ORDER BY l.price DESC, l.id LIMIT 1) x WHERE c.id <= 12`),
  slow(`SELECT sum(x.amount) FROM customers c CROSS JOIN LATERAL
    (SELECT amount FROM orders o WHERE o.customer_id = c.id + $ ORDER BY o.note LIMIT 1) x WHERE c.id <= 10`),
  slow('SELECT count(*) FROM orders WHERE md5(md5(note)) LIKE $::text'),
  slow('SELECT max(md5(md5(note))) FROM orders WHERE amount > $'),
  slow('SELECT count(DISTINCT md5(note)) FROM orders WHERE amount > $'),
  slow(`SELECT o.status, sum(length(md5(md5(o.note)))) FROM orders o JOIN lines l ON l.order_id = o.id
    WHERE l.price < 80 AND o.amount > $ GROUP BY o.status`),
  slow('SELECT count(*) FROM orders a JOIN orders b ON a.note = md5(b.note) WHERE a.amount > $', 2),
  slow(`SELECT count(*) FROM orders WHERE md5(note || amount) ~ '^0.*f.*e' AND amount <> $`, 7),
  slow('SELECT count(*) FROM lines l WHERE md5(l.product::text || md5(l.id::text)) > md5($::text || l.price)', 9),
  slow(
    'SELECT avg(length(md5(o.note || l.id))) FROM lines l JOIN orders o ON o.id = l.order_id WHERE o.amount >= $',
    9,
  ),
  // By their costs they are nothing.
  slow('SELECT max(md5(repeat(name, 600))) FROM customers WHERE region <> $'),
  slow('SELECT count(*) FROM customers WHERE sha256(repeat(name, 500)::bytea) > sha256($::text::bytea)', 9),
  fast('SELECT * FROM customers WHERE id = $'),
  fast('SELECT name FROM customers WHERE id = $'),
  fast('SELECT * FROM orders WHERE id = $'),
  fast('SELECT amount FROM orders WHERE amount = $ AND status = 1 LIMIT 20'),
  fast('SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = $'),
  fast('UPDATE orders SET amount = amount WHERE id = $'),
  fast('UPDATE customers SET region = region WHERE id = $'),
  fast('INSERT INTO customers (id, name, region) VALUES ($, NULL, 1) ON CONFLICT DO NOTHING'),
  fast('DELETE FROM customers WHERE id = $ AND region < 0'),
  fast('SELECT * FROM lines WHERE id BETWEEN $ AND 130 ORDER BY price'),
  fast('SELECT region, count(*) FROM customers GROUP BY region HAVING count(*) > $'),
  fast('SELECT * FROM orders ORDER BY id DESC LIMIT 10 OFFSET $'),
  fast('SELECT l.price FROM orders o JOIN lines l ON l.id = o.id WHERE o.amount = $ ORDER BY l.price LIMIT 5', 3),
  // By its cost it reads everything, and it stops at the first row.
  fast('SELECT EXISTS (SELECT FROM orders a, orders b WHERE a.note <> b.note AND a.status < $)', 5),
  fast('SELECT c.id FROM customers c WHERE EXISTS (SELECT FROM orders o WHERE o.id = c.id) AND c.id < $ LIMIT 3', 7),
  // For a value that nobody knows they read a third of everything.
  fast('SELECT count(*) FROM lines l JOIN orders o ON o.id = l.id JOIN customers c ON c.id = o.id WHERE l.id < $'),
  fast('SELECT sum(l.price) FROM lines l JOIN orders o ON o.id = l.order_id WHERE l.id < $ AND o.id < $', 9),
  fast('SELECT id FROM customers WHERE name = $::text', 8),
  fast('SELECT sum(price) FROM lines WHERE id < $', 9),
];

/** Executes the application step by step, and reads what pg_stat_statements counted in each. */
export async function recordStatements(client: pg.Client): Promise<readonly RecordedStatement[]> {
  for (const statement of fixture) await client.query(statement);
  const executions = scripts.map((): RecordedStatement['executions'][number][] => []);
  const texts = new Map<number, string>();
  let number = 0;
  for (let at = 0; at < steps; at += 1) {
    for (const [position, { sql, fromStep, times }] of scripts.entries()) {
      if (at < fromStep) {
        executions[position]?.push(null);
        continue;
      }
      await client.query('SELECT pg_stat_statements_reset()');
      for (let time = 0; time < times; time += 1) {
        number += 1;
        await client.query(sql.replaceAll('$', String((number % 97) + 1)).replaceAll(/(\d+)::text/g, "'$1'::text"));
      }
      const { rows } = await client.query(
        `SELECT query, calls::int, mean_exec_time AS "meanMs" FROM pg_stat_statements
        WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query !~ 'pg_stat_statements' ORDER BY calls DESC LIMIT 1`,
      );
      const { query, calls, meanMs } = rows[0];
      texts.set(position, query);
      executions[position]?.push({ calls, meanMs: Number(meanMs.toPrecision(5)) });
    }
  }
  const recorded: RecordedStatement[] = [];
  for (const [position, { madeSlow }] of scripts.entries()) {
    const query = texts.get(position);
    if (query === undefined) throw new Error(`statement ${position} was never executed`);
    recorded.push({ query, madeSlow, plan: await planOf(client, query), executions: executions[position] ?? [] });
  }
  return recorded;
}

interface Node {
  readonly 'Node Type': string;
  readonly 'Total Cost': number;
  readonly 'Plan Rows': number;
  readonly Plans?: readonly Node[];
}

/** As care plans it: for parameters that nobody knows. */
async function planOf(client: pg.Client, query: string): Promise<RecordedStatement['plan']> {
  const { rows } = await client.query(`EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${query}`);
  const root: Node = rows[0]['QUERY PLAN'][0].Plan;
  const nodes = flatten(root);
  const scans = nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Plan Rows']);
  return {
    totalCost: root['Total Cost'],
    rows: root['Plan Rows'],
    largestScanRows: Math.max(0, ...scans),
    nestedLoops: nodes.filter((node) => node['Node Type'].endsWith('Nested Loop')).length,
    sorts: nodes.filter((node) => node['Node Type'].endsWith('Sort')).length,
  };
}

function flatten(node: Node): readonly Node[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}
