import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { caseNames } from './harness/run-case.ts';
import { protocolSteps } from './protocol-steps.ts';

const checkout = fileURLToPath(new URL('../../', import.meta.url));

/** Names of all failpoints in the source. */
function failpointsInSource(): readonly string[] {
  const files = globSync('{packages,apps}/*/src/**/*.ts', { cwd: checkout }).filter(
    (file) => !file.endsWith('.test.ts'),
  );
  return files
    .flatMap((file) => [...readFileSync(`${checkout}/${file}`, 'utf8').matchAll(/\bfailpoint\(\s*(['"`])([^'"`]+)\1/g)])
    .map(([, , name]) => String(name));
}

it('every failpoint in the source is a step of the protocol, and every step has its failpoint, once', () => {
  expect(failpointsInSource().toSorted()).toEqual(protocolSteps.map(({ failpoint }) => failpoint).toSorted());
});

it('every step of the protocol is killed by a case that names it', () => {
  for (const { failpoint, testedBy } of protocolSteps) {
    expect(caseNames(), failpoint).toContain(testedBy);
    const source = readFileSync(new URL(`cases/${testedBy}.ts`, import.meta.url), 'utf8');
    expect(source.includes(`'${failpoint}`), `${testedBy} kills at ${failpoint}`).toBe(true);
  }
});
