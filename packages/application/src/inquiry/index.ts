export { type AnswerDeps, answerQuestion } from './answer-question.ts';
