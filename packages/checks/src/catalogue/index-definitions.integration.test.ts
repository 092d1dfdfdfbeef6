import { createPostgresGateway } from '@slacktide/targets';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { type IndexDefinition, readIndexDefinitions } from './index-definitions.ts';

const gateway = createPostgresGateway({ env: { TARGET_PASSWORD: 'postgres' } });

async function read(rig: CheckRig): Promise<Map<string, IndexDefinition>> {
  const address = new URL(rig.url);
  address.password = '';
  const indexes = await gateway.read(
    { kind: 'postgres', connection: address.href, secretRef: 'env:TARGET_PASSWORD' },
    { applicationName: 'slacktide/test' },
    readIndexDefinitions,
  );
  return new Map(indexes.map((index) => [index.name, index]));
}

describe.each(majors)('reading index definitions on PostgreSQL %i', (major) => {
  const open = async (script: string): Promise<CheckRig> => {
    const rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    onTestFinished(() => rig[Symbol.asyncDispose]());
    await rig.sql(script);
    return rig;
  };

  it('tells what each is made of and what hangs on it', async () => {
    const rig = await open(`
CREATE TABLE t (a int NOT NULL, b text COLLATE "C", c text, d tsvector, r int4range, CONSTRAINT t_pkey PRIMARY KEY (a),
  CONSTRAINT t_late UNIQUE (b) DEFERRABLE, CONSTRAINT t_r EXCLUDE USING gist (r WITH &&) WHERE (a > 0));
CREATE INDEX t_all ON t (lower(c) DESC, b text_pattern_ops NULLS FIRST) INCLUDE (r, a) WITH (fillfactor = 50, deduplicate_items = off) WHERE c <> '';
CREATE INDEX t_d ON t USING gist (d tsvector_ops (siglen = 100));
CREATE TABLE u (a int REFERENCES t (a));
CREATE TEMPORARY TABLE temporary (a int PRIMARY KEY);
CREATE TABLE p (a int) PARTITION BY LIST (a);
CREATE TABLE p_1 PARTITION OF p DEFAULT;
CREATE INDEX p_a ON p (a);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_pkey, CLUSTER ON t_d`);
    const indexes = await read(rig);
    expect([...indexes.keys()]).toEqual(['p_1_a_idx', 'p_a', 't_all', 't_d', 't_late', 't_pkey', 't_r']);
    expect(indexes.get('t_all')).toMatchObject({
      method: 'btree',
      keys: [
        { column: 0, expression: 'lower(c)', ordering: 3 },
        { column: 2, expression: null, ordering: 2, parameters: null },
      ],
      included: [1, 5],
      predicate: `(c <> ''::text)`,
      storageOptions: ['deduplicate_items=off'],
      createStatistics: 'CREATE STATISTICS public.t_all_statistics ON lower(c) FROM public.t',
    });
    expect(indexes.get('t_d')).toMatchObject({ clustered: true, keys: [{ parameters: ['siglen=100'] }] });
    expect(indexes.get('t_late')).toMatchObject({
      unique: true,
      immediate: false,
      constraint: 't_late',
      exclusion: null,
    });
    expect(indexes.get('t_pkey')).toMatchObject({ primary: true, foreignKeyTarget: true, replicaIdentity: true });
    expect(indexes.get('t_r')).toMatchObject({ exclusion: expect.stringMatching(/^\{\d+\}$/), constraint: 't_r' });
    expect(indexes.get('p_a')).toMatchObject({ partitioned: true, parentOid: null, sizeBytes: 0 });
    expect(indexes.get('p_1_a_idx')).toMatchObject({ parentOid: indexes.get('p_a')?.oid, tableSizeBytes: 0 });
  });

  it('brings an index back where it was, with what was said of it', async () => {
    const name = `space ${Math.random()}`;
    const rig = await open(
      `CREATE TABLE t (a int); CREATE INDEX t_a ON t (a) WHERE a > 0; COMMENT ON INDEX t_a IS 'back\\slash'`,
    );
    // Tablespaces without a directory of their own came with 15.
    if (major >= 15) {
      const client = await rig.connect();
      await client.query('SET allow_in_place_tablespaces = on');
      await client.query(`CREATE TABLESPACE "${name}" LOCATION ''`);
      await client.query(`ALTER INDEX t_a SET TABLESPACE "${name}"`);
    }
    const state = () =>
      rig.sql(`SELECT pg_get_indexdef(c.oid) AS definition, obj_description(c.oid, 'pg_class') AS comment, s.spcname
FROM pg_class c LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace WHERE c.relname = 't_a'`);
    const before = await state();
    const index = (await read(rig)).get('t_a');
    await rig.execute([index?.drop ?? '']);
    expect(await state()).toEqual([]);
    await rig.execute(index?.restore ?? []);
    expect(await state()).toEqual(before);
    if (major >= 15) await rig.execute([index?.drop ?? '', `DROP TABLESPACE "${name}"`]);
  });
});
