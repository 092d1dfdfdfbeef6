import { fieldProblems, pointerTo } from '@slacktide/contract';
import { careSettings, defaultCareSettings, type Json, type JsonObject } from '@slacktide/domain';
import { closest } from 'fastest-levenshtein';
import type { z } from 'zod';
import type { FieldProblem } from '../app-error.ts';

/** What is wrong with a layer of care settings; a key that is not known comes with the one that was probably meant. */
export function careSettingsProblems(settings: JsonObject): readonly FieldProblem[] {
  const parsed = careSettings.safeParse({ operational: {}, features: {}, ...settings });
  return parsed.success ? [] : fieldProblems(parsed.error).map((problem) => withSuggestion(problem, parsed.error));
}

function withSuggestion(problem: FieldProblem, error: z.ZodError): FieldProblem {
  for (const issue of error.issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const unknown = issue.keys.find((key) => pointerTo([...issue.path.map(String), key]) === problem.pointer);
    if (unknown === undefined) continue;
    const known = knownKeys(issue.path.map(String));
    const detail = `There is no ${unknown} here; did you mean ${closest(unknown, known)}? Known: ${known.join(', ')}`;
    return { ...problem, detail };
  }
  return problem;
}

function knownKeys(path: readonly string[]): string[] {
  let at: Json | undefined = defaultCareSettings;
  for (const key of path) at = typeof at === 'object' && at !== null ? (at as JsonObject)[key] : undefined;
  return Object.keys(at ?? {});
}
