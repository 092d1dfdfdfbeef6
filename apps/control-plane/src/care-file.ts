import { readFileSync } from 'node:fs';
import { careSettingsProblems } from '@slacktide/application';
import type { JsonObject } from '@slacktide/domain';
import { parseDocument } from 'yaml';

/**
 * Reads the settings of care from a YAML file; undefined path = nothing is said.
 * @throws Error that names each line or key that is wrong, with the key that was probably meant
 */
export function readCareFile(path: string | undefined): JsonObject {
  if (path === undefined) return {};
  const document = parseDocument(readFileSync(path, 'utf8'));
  const [broken] = document.errors;
  if (broken !== undefined) throw new Error(`${path}: ${broken.message}`);
  const settings: unknown = document.toJS() ?? {};
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) {
    throw new Error(`${path}: expected keys such as features:, got ${JSON.stringify(settings)}`);
  }
  const problems = careSettingsProblems(settings as JsonObject);
  if (problems.length > 0) {
    throw new Error(`${path}: ${problems.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; ')}`);
  }
  return settings as JsonObject;
}
