import { TargetError, type TargetReader } from '@slacktide/application/ports';

/** Why an object is not ours to touch. */
export type Exclusion = 'system' | 'temporary' | 'extension';

/** A relation of the catalogue that some text named. */
export interface RelationRef {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server: the only form that may enter a statement. */
  readonly quoted: string;
  /** pg_class.relkind: r table, p partitioned table, m materialised view, i index, I partitioned index. */
  readonly relkind: string;
  /** Set when it belongs to the system, to a session (temporary) or to an extension. */
  readonly exclusion: Exclusion | null;
}

/** What a text means in the catalogue of a target. */
export type Resolution =
  | { readonly kind: 'found'; readonly relation: RelationRef }
  | { readonly kind: 'unknown'; readonly detail: string }
  | { readonly kind: 'ambiguous'; readonly candidates: readonly string[]; readonly detail: string };

/** Two names of 63 bytes, every byte a quote that doubles, in quotes, with the dot between. */
const longestTextBytes = 257;
/** NAMEDATALEN - 1. */
const longestNameBytes = 63;

/**
 * Looks texts up as relation names, in one query, without ever making them part of SQL. A text is, in this order:
 * a qualified name as SQL would write it (`public.orders`, `public."Order Items"`, `"public"."orders"`), schema and name
 * joined by a dot (`public.Order Items`), a bare name. Names match exactly: no case folding, no truncation, no search_path.
 */
export async function resolveRelations(
  reader: TargetReader,
  texts: readonly string[],
  relkinds: readonly string[],
): Promise<Resolution[]> {
  const problems = texts.map(problemOf);
  const asked = texts.filter((_, position) => problems[position] === undefined);
  const matches = asked.length === 0 ? [] : await findMatches(reader, [...new Set(asked)], relkinds);
  return texts.map((text, position) => {
    const problem = problems[position];
    return problem === undefined
      ? decide(
          text,
          matches.filter((match) => match.text === text),
        )
      : { kind: 'unknown', detail: problem };
  });
}

function problemOf(text: string): string | undefined {
  if (text === '') return 'the name is empty';
  if (text.includes('\0')) return 'the name holds a NUL byte, which no PostgreSQL name can';
  if (Buffer.byteLength(text) > longestTextBytes) return `names have at most ${longestNameBytes} bytes`;
  return undefined;
}

interface Match {
  text: string;
  rank: number;
  oid: number;
  schema: string;
  name: string;
  quoted: string;
  relkind: string;
  exclusion: Exclusion | null;
}

function decide(text: string, matches: readonly Match[]): Resolution {
  const ours = matches.filter((match) => match.exclusion === null);
  const pool = ours.length > 0 ? ours : matches;
  const best = Math.min(...pool.map((match) => match.rank));
  const [first, ...others] = pool.filter((match) => match.rank === best);
  if (first === undefined) {
    const tooLong = Buffer.byteLength(text) > longestNameBytes && !text.includes('.');
    return {
      kind: 'unknown',
      detail: tooLong ? `names have at most ${longestNameBytes} bytes` : 'there is none of this name on the target',
    };
  }
  if (others.length === 0) {
    const { oid, schema, name, quoted, relkind, exclusion } = first;
    return { kind: 'found', relation: { oid, schema, name, quoted, relkind, exclusion } };
  }
  const candidates = [first, ...others].map((match) => match.quoted).sort();
  return { kind: 'ambiguous', candidates, detail: `more than one has this name: ${candidates.join(', ')}` };
}

const matchSql = `
WITH relations AS (
  SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS relkind, c.relpersistence,
    coalesce(i.indrelid, c.oid) AS owner_oid, format('%I.%I', n.nspname, c.relname) AS quoted,
    -- In quotes even where none are needed, as people write.
    '"' || replace(n.nspname, '"', '""') || '"' AS quoted_schema, '"' || replace(c.relname, '"', '""') || '"' AS quoted_name
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_index i ON i.indexrelid = c.oid
  WHERE c.relkind = ANY ($2::text[]::"char"[])
), forms AS (
  SELECT r.oid, f.rank, f.text
  FROM relations r, LATERAL (VALUES
    (1, r.quoted),
    (1, quote_ident(r.schema) || '.' || r.quoted_name),
    (1, r.quoted_schema || '.' || quote_ident(r.name)),
    (1, r.quoted_schema || '.' || r.quoted_name),
    (2, r.schema || '.' || r.name),
    (3, r.name),
    (3, quote_ident(r.name)),
    (3, r.quoted_name)
  ) AS f (rank, text)
), found AS (
  SELECT asked.text, f.oid, min(f.rank) AS rank
  FROM unnest($1::text[]) AS asked (text) JOIN forms f ON f.text = asked.text
  GROUP BY asked.text, f.oid
)
SELECT f.text, f.rank, r.oid, r.schema, r.name, r.quoted, r.relkind,
  CASE
    WHEN r.schema IN ('pg_catalog', 'information_schema') OR r.schema ~ '^pg_toast' THEN 'system'
    WHEN r.relpersistence = 't' THEN 'temporary'
    WHEN EXISTS (SELECT FROM pg_depend d
                 WHERE d.classid = 'pg_class'::regclass AND d.objid IN (r.oid, r.owner_oid) AND d.deptype = 'e')
      THEN 'extension'
  END AS exclusion
FROM found f JOIN relations r ON r.oid = f.oid`;

async function findMatches(
  reader: TargetReader,
  texts: readonly string[],
  relkinds: readonly string[],
): Promise<readonly Match[]> {
  try {
    return await reader.query<Match>(matchSql, [texts, relkinds]);
  } catch (error) {
    if (!(error instanceof TargetError) || error.sqlState !== untranslatableCharacter) throw error;
    // The database's encoding lacks a character of one of the texts; the others deserve their answer.
    if (texts.length === 1) return [];
    const each = await Array.fromAsync(texts, (text) => findMatches(reader, [text], relkinds));
    return each.flat();
  }
}
const untranslatableCharacter = '22P05';
