import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '@slacktide/application/ports';
import { parse } from 'libpg-query';
import { afterAll, expect, inject } from 'vitest';
import { noContext } from '../../../test/support/no-context.ts';
import { createDatabase } from '../../../test/support/postgres.ts';
import { scratchFolder } from '../../../test/support/scratch-folder.ts';
import { logRotation } from '../src/log-rotation/index.ts';
import { openRig, type RigOptions, type TargetRig } from './target-rig.ts';

const day = 86_400;

/** One target serves all tests of a file: nothing is done on it. */
let target: Promise<TargetRig> | undefined;
afterAll(async () => await (await target)?.[Symbol.asyncDispose]());

/** A target, and folders that the worker may touch; `old` and `make` put files into the first. */
export async function setup() {
  target ??= createDatabase(inject('targetUrls')[18]).then(openRig);
  const rig = await target;
  const [logs, archive] = [join(scratchFolder(), 'logs'), scratchFolder()];
  mkdirSync(logs);
  const at = (name: string) => join(logs, name);
  const make = (name: string, ageDays: number, content: string | Uint8Array = name): void => {
    writeFileSync(at(name), content);
    const seconds = Date.now() / 1000 - ageDays * day;
    utimesSync(at(name), seconds, seconds);
  };
  make('now.log', 0);
  const context = { ...noContext, fileRoots: [logs, archive] };
  return {
    rig,
    logs,
    archive,
    at,
    old: (name: string, content?: string | Uint8Array) => make(name, 40, content),
    make,
    names: () => readdirSync(logs).sort(),
    run: (rule: object, options: RigOptions & { config?: object } = {}) =>
      rig.run(logRotation, { rules: [{ root: logs, ...rule }], min_free_mb: 0, ...options.config } as never, {
        context,
        ...options,
      }),
    plan: (rule: object) => rig.plan(logRotation, { rules: [{ root: logs, ...rule }] } as never, { context }),
  };
}

/** Outcomes by the file's name. */
export function outcomes({ steps }: Awaited<ReturnType<Awaited<ReturnType<typeof setup>>['run']>>) {
  return Object.fromEntries(steps.map(({ step, outcome }) => [step.key.slice(step.key.lastIndexOf('/') + 1), outcome]));
}

/** Fails the test unless each text of the plan is one SELECT. */
export async function everyStatementIsOneSelect(plan: Plan | null): Promise<void> {
  for (const statement of plan?.steps.flatMap(({ statements }) => statements) ?? []) {
    const { stmts = [] } = await parse(statement);
    expect(stmts.map(({ stmt }) => Object.keys(stmt ?? {}))).toEqual([['SelectStmt']]);
  }
}
