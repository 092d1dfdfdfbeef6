import type postgres from 'postgres';

/** Does what only a superuser or the ledger's owner can: changes the audit log with its triggers off. */
export async function tamper(
  sql: postgres.Sql,
  change: (tx: postgres.TransactionSql) => Promise<unknown>,
): Promise<void> {
  await sql.begin(async (tx) => {
    for (const table of ['audit_events', 'audit_seals']) await tx.unsafe(`ALTER TABLE ${table} DISABLE TRIGGER ALL`);
    await change(tx);
    for (const table of ['audit_events', 'audit_seals']) {
      await tx.unsafe(`ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${table}_only_grow`);
    }
  });
}
