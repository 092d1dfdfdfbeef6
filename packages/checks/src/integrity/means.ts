/** What the check verifies with, for whoever verifies relations one by one. */
export { type AmcheckFacts, chooseVerifiers, readAmcheck, type Verifier, verifierOf } from './amcheck.ts';
export { bytesOf, fromCursor, indexConflicts, integrityReport, type VerifiedElsewhere } from './index.ts';
export { firstSteps } from './judge.ts';
export { conflictsOf, type RelationRow, readRelations, uncheckedGin } from './relations.ts';
export { readMemory } from './remembered.ts';
export type { IntegrityConfig } from './schema.ts';
export { asCorruption, indexSwitches, isFree, judged, type Verdict } from './verify.ts';
