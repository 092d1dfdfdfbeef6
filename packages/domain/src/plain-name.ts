/**
 * A name as `quote_ident` and `format('%I.%I')` print it, without its quotes: `public."Orders"` is `public.Orders`. Undefined for what is no such name.
 */
export function plainName(quoted: string): string | undefined {
  const parts: string[] = [];
  let rest = quoted;
  for (;;) {
    const { 0: text = '', groups } = /^(?:"(?<quoted>(?:[^"]|"")+)"|(?<plain>[a-z_][a-z0-9_$]*))/.exec(rest) ?? {};
    const part = groups?.['quoted']?.replaceAll('""', '"') ?? groups?.['plain'];
    if (part === undefined) return undefined;
    parts.push(part);
    rest = rest.slice(text.length);
    if (rest === '') return parts.join('.');
    if (!rest.startsWith('.')) return undefined;
    rest = rest.slice(1);
  }
}
