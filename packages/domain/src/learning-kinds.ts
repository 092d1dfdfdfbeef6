/** What is learned of a target: of its statements, its load, its indexes, its growth; and the model that judges statements. */
export const learningKinds = ['pattern', 'workload', 'suggestion', 'forecast', 'model'] as const;
export type LearningKind = (typeof learningKinds)[number];
