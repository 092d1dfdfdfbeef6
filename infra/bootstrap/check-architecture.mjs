#!/usr/bin/env node
// Checks the import rules of .dependency-cruiser.mjs and fails as well when it saw no module at all: with a TypeScript it
// cannot use (7 has no JavaScript API) dependency-cruiser reads none of our files, finds nothing wrong and exits 0.
import { cruise } from 'dependency-cruiser';
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';

process.chdir(new URL('../..', import.meta.url).pathname);

const options = await extractOptions('./.dependency-cruiser.mjs');
const { output } = await cruise(
  ['apps', 'packages', 'infra/local', 'test'],
  // `.slacktide`: what tests unpack, e.g. the previous release.
  { ...options, exclude: '([.]json$|[.]slacktide/)' },
  null,
  { tsConfig: extractTsConfig('./tsconfig.json') },
);

const ours = output.modules.filter(({ source }) => /^(apps|packages|infra|test)\/.*[.]ts$/.test(source));
const { violations } = output.summary;
for (const { rule, from, to, cycle } of violations) {
  const route = cycle?.length ? cycle.map(({ name }) => name).join(' → ') : to;
  console.error(`${rule.name}: ${from} → ${route}`);
  console.error(`  ${output.summary.ruleSetUsed?.forbidden?.find(({ name }) => name === rule.name)?.comment ?? ''}`);
}
console.log(`architecture: ${ours.length} modules, ${violations.length} violations`);
if (ours.length === 0) console.error('expected to read modules, read none: is typescript 6 installed?');
process.exitCode = violations.length > 0 || ours.length === 0 ? 1 : 0;
