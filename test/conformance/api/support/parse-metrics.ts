export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/;
const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]?Inf|[+-]?[0-9.]+(?:e[+-]?[0-9]+)?)(?: [0-9]+)?$/;
const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;
const suffix = /_(bucket|sum|count)$/;

/**
 * Reads Prometheus' text format 0.0.4, strictly. @throws Error that names the line which is none, a metric without HELP
 * and TYPE before its samples, or a sample that comes twice
 */
export function parseMetrics(text: string): { samples: Sample[]; types: Map<string, string> } {
  const types = new Map<string, string>();
  const helped = new Set<string>();
  const samples = new Map<string, Sample>();
  if (!text.endsWith('\n')) throw new Error('expected a newline at the end');
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, kind, about, rest = ''] = comment.exec(line) ?? [];
    if (about !== undefined) {
      if (kind === 'TYPE') types.set(about, rest);
      else helped.add(about);
      continue;
    }
    const [, name, labelText = '', value = ''] = sample.exec(line) ?? [];
    if (name === undefined) throw new Error(`expected a sample, got: ${line}`);
    const family = types.has(name) ? name : name.replace(suffix, '');
    if (!types.has(family) || !helped.has(family)) throw new Error(`expected HELP and TYPE before: ${line}`);
    if (samples.has(`${name}{${labelText}`)) throw new Error(`comes twice: ${line}`);
    samples.set(`${name}{${labelText}`, { name, labels: parseLabels(labelText, line), value: toNumber(value) });
  }
  return { samples: [...samples.values()], types };
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ''; ) {
    const [whole, name, value = ''] = label.exec(rest) ?? [];
    if (whole === undefined || name === undefined) throw new Error(`expected labels, got: ${line}`);
    labels[name] = value;
    rest = rest.slice(whole.length);
  }
  return labels;
}

function toNumber(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}
