import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url));
export const toolchainDir = join(root, 'infra', 'bootstrap', 'toolchain');
