import { describe, expect, it } from 'vitest';
import { createLogger, redactSecrets } from './logger.ts';

function setup() {
  const lines: string[] = [];
  const logger = createLogger({
    service: 'test',
    level: 'info',
    destination: { write: (line: string) => void lines.push(line) },
  });
  return { logger, lines };
}

describe('createLogger', () => {
  it('writes one JSON document a line, with the service and an ISO time', () => {
    const { logger, lines } = setup();
    logger.info({ job_id: 'j1' }, 'claimed');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      name: 'test',
      job_id: 'j1',
      msg: 'claimed',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });

  it('masks passwords in URLs and API keys, wherever they stand', () => {
    const { logger, lines } = setup();
    logger.error(
      { err: new Error('connect postgresql://app:hunter2@db:5432/x failed') },
      'key slk_abc_S3CRET-x_y refused',
    );
    expect(lines.join('')).not.toMatch(/hunter2|S3CRET/);
    expect(lines.join('')).toContain('postgresql://app:[redacted]@db');
  });

  it('removes fields that are secrets by name', () => {
    const { logger, lines } = setup();
    logger.info({ password: 'p1', headers: { authorization: 'Bearer p2' }, target: { secret: 'p3' } }, 'x');
    expect(lines.join('')).not.toMatch(/p1|p2|p3/);
  });

  it('leaves ordinary URLs alone', () => {
    expect(redactSecrets('see http://127.0.0.1:7070/docs and a@b.c')).toBe('see http://127.0.0.1:7070/docs and a@b.c');
  });
});
