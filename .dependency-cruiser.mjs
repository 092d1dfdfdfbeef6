// Who may import whom. The directions are those of the table "Who may import whom" of the architecture:
// domain ← contract ← application ← ledger, dispatch, targets, telemetry; executors; apps.

/** One workspace package may import of our own packages only those named (besides itself). */
function mayImport(name, from, allowed, comment) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: from },
    to: { path: '^(packages|apps|infra|test)/', pathNot: [from, ...allowed] },
  };
}

const tests = '([.]test[.]ts$|^packages/[^/]+/test/)';
/** Tests, and what a package has for them, may use test/support, and the packages their package.json names, on top of what their package may import. */
const notTests = (rule) => ({ ...rule, from: { ...rule.from, pathNot: tests } });

const domain = '^packages/domain/';
const contract = '^packages/contract/';
const application = '^packages/application/';
const applicationPorts = '^packages/application/src/ports/';
const executorSchemas = '^packages/executors/src/schemas[.]ts$';
const checkSchemas = '^packages/checks/src/schemas[.]ts$';

export default {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Two modules that need each other are one module, or three.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'not-to-unresolvable',
      comment: 'The file does not exist, or the package is not among the dependencies.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'domain-is-pure',
      comment: 'The domain does no I/O: its own modules, zod and cron-parser at most.',
      severity: 'error',
      from: { path: '^packages/domain/src/', pathNot: tests },
      to: { pathNot: ['^packages/domain/src/', 'node_modules/(zod|cron-parser)/'] },
    },
    notTests(mayImport('contract-direction', contract, [domain], 'contract → domain.')),
    notTests(mayImport('application-direction', application, [contract, domain], 'application → contract, domain.')),
    ...['ledger', 'dispatch', 'targets', 'telemetry'].map((adapter) =>
      notTests(
        mayImport(
          `${adapter}-is-an-adapter`,
          `^packages/${adapter}/`,
          [application, domain],
          `${adapter} → application, domain; adapters do not know each other.`,
        ),
      ),
    ),
    notTests(
      mayImport(
        'executors-direction',
        '^packages/executors/',
        [domain, applicationPorts, '^packages/(targets|checks|acting|learning|templates)/'],
        'executors → domain, application/ports, targets, checks, acting, learning, templates.',
      ),
    ),
    notTests(
      mayImport(
        'checks-direction',
        '^packages/checks/',
        [domain, applicationPorts, '^packages/targets/'],
        'checks → domain, application/ports, targets.',
      ),
    ),
    notTests(
      mayImport(
        'acting-direction',
        '^packages/acting/',
        [domain, applicationPorts, '^packages/targets/'],
        'acting → domain, application/ports, targets.',
      ),
    ),
    notTests(mayImport('learning-is-pure', '^packages/learning/', [domain], 'learning → domain.')),
    notTests(mayImport('templates-direction', '^packages/templates/', [domain], 'templates → domain.')),
    {
      name: 'checks-are-islands',
      comment:
        'A check is a folder that can be deleted: none imports another. Readers that several need are in catalogue/.',
      severity: 'error',
      from: { path: '^packages/checks/src/([^/]+)/', pathNot: '^packages/checks/src/catalogue/' },
      to: { path: '^packages/checks/src/[^/]+/', pathNot: '^packages/checks/src/($1|catalogue)/' },
    },
    notTests(
      mayImport(
        'control-plane-direction',
        '^apps/control-plane/',
        [
          application,
          contract,
          domain,
          '^packages/(ledger|dispatch|telemetry|templates)/',
          executorSchemas,
          checkSchemas,
        ],
        'control-plane → application, contract, domain, ledger, dispatch, telemetry, templates, executors/schemas, checks/schemas.',
      ),
    ),
    notTests(
      mayImport('clients-know-the-contract', '^apps/(dashboard|cli)/', [contract], 'dashboard, cli → contract.'),
    ),
    {
      name: 'executors-are-islands',
      comment: 'An executor is a folder that can be deleted: none imports another.',
      severity: 'error',
      from: { path: '^packages/executors/src/([^/]+)/' },
      to: { path: '^packages/executors/src/[^/]+/', pathNot: '^packages/executors/src/$1/' },
    },
    {
      name: 'only-the-worker-runs-executors',
      comment: 'Others may know the configuration of a task type (executors/schemas), never its code.',
      severity: 'error',
      from: { path: '^(apps|packages|infra)/', pathNot: ['^apps/worker/', '^packages/executors/'] },
      to: { path: '^packages/executors/', pathNot: executorSchemas },
    },
    {
      name: 'only-executors-run-checks',
      comment: 'Others may know the configuration of a check (checks/schemas), never its code.',
      severity: 'error',
      from: { path: '^(apps|packages|infra)/', pathNot: ['^packages/(executors|checks)/'] },
      to: { path: '^packages/checks/', pathNot: checkSchemas },
    },
    {
      name: 'packages-never-import-apps',
      comment: 'Apps are entry points; they are started, not imported. (Their tests may look inside.)',
      severity: 'error',
      from: { path: '^(packages|infra)/' },
      to: { path: '^apps/' },
    },
    {
      name: 'apps-never-import-apps',
      comment: 'What two apps need is a package.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'no-deep-imports',
      comment: 'Enter a package by its index, by application/ports, by executors/schemas or by checks/schemas.',
      severity: 'error',
      from: { path: '^((?:packages|apps|infra)/[^/]+|test)/' },
      to: {
        path: '^(packages/[^/]+|infra/local)/',
        pathNot: [
          '^$1/',
          '/src/index[.]ts$',
          '^packages/application/src/ports/index[.]ts$',
          executorSchemas,
          checkSchemas,
          '^packages/[^/]+/test/',
        ],
      },
    },
    {
      name: 'only-tests-use-test-support',
      comment: 'Production code does not depend on the test package.',
      severity: 'error',
      from: { path: '^(packages|apps|infra)/', pathNot: tests },
      to: { path: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
