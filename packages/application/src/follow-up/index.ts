export { startFollowUps } from './start-follow-ups.ts';
