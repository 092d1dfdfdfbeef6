export { type Applied, applyFinding } from './apply-finding.ts';
export { getFinding } from './get-finding.ts';
export { listFindings } from './list-findings.ts';
export { muteFinding } from './mute-finding.ts';
export { unmuteFinding } from './unmute-finding.ts';
