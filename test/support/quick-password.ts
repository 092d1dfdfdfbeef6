import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

const salt = Buffer.from('of tests, only');

/**
 * What PostgreSQL keeps of a password (a SCRAM-SHA-256 verifier, RFC 5803), with one iteration instead of 4096: `PASSWORD '…'` takes it as it is. A login
 * then costs server and client some milliseconds less, of which tests have tens of thousands.
 */
export function quickPassword(password: string): string {
  const salted = pbkdf2Sync(password, salt, 1, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$1:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}
