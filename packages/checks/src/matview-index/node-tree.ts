/** A node as the server keeps queries: `{TYPE :field value …}`. */
export interface TreeNode {
  readonly type: string;
  /** What follows each field's name: tokens, nodes and lists. */
  readonly fields: ReadonlyMap<string, readonly TreeValue[]>;
}

/** A token as it is written, `<>` for nothing. */
export type TreeValue = string | TreeNode | readonly TreeValue[];

/** Blanks, braces and parentheses within a token have a backslash before them. */
const token = /[(){}]|(?:\\[\s\S]|[^\s(){}\\])+/g;

/** Parses the text of a pg_node_tree; undefined where it is not one. */
export function parseNodeTree(text: string): TreeValue | undefined {
  const tokens = text.match(token) ?? [];
  let position = 0;
  const value = (): TreeValue | undefined => {
    const next = tokens[position];
    position += 1;
    if (next === '(') return list();
    return next === '{' ? node() : next;
  };
  const list = (): readonly TreeValue[] => {
    const values: TreeValue[] = [];
    while (position < tokens.length && tokens[position] !== ')') {
      const next = value();
      if (next !== undefined) values.push(next);
    }
    position += 1;
    return values;
  };
  const node = (): TreeNode => {
    const type = tokens[position] ?? '';
    position += 1;
    const fields = new Map<string, readonly TreeValue[]>();
    while (position < tokens.length && tokens[position] !== '}') {
      const name = tokens[position] ?? '';
      position += 1;
      const values: TreeValue[] = [];
      // A value may begin with a colon; what comes after the first one is the next field.
      while (
        position < tokens.length &&
        tokens[position] !== '}' &&
        (values.length === 0 || !tokens[position]?.startsWith(':'))
      ) {
        const next = value();
        if (next !== undefined) values.push(next);
      }
      fields.set(name, values);
    }
    position += 1;
    return { type, fields };
  };
  return value();
}

/** The first value of a field. */
export function fieldOf(node: TreeNode, name: string): TreeValue | undefined {
  return node.fields.get(`:${name}`)?.[0];
}

/** The nodes of a field that is a list; none where it is empty. */
export function nodesOf(node: TreeNode, name: string): readonly TreeNode[] {
  const value = fieldOf(node, name);
  return Array.isArray(value) ? value.filter(isNode) : [];
}

export function isNode(value: TreeValue | undefined): value is TreeNode {
  return typeof value === 'object' && !Array.isArray(value);
}
