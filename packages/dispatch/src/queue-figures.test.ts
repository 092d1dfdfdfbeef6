import { expect, it } from 'vitest';
import { workersByQueue } from './queue-figures.ts';

const client = (name: string): string =>
  `id=3 addr=127.0.0.1:5 laddr=127.0.0.1:6 fd=8 name=${name} age=1 cmd=bzpopmin\n`;
const base64 = (queue: string): string => Buffer.from(queue).toString('base64');

it('counts the workers of each queue among all clients', () => {
  const clients = [
    client(''),
    client('somebody'),
    client(`slacktide:${base64('index-rebuild')}`),
    client(`slacktide:${base64('index-rebuild')}:w:host-1`),
    client(`slacktide:${base64('ticks')}`),
    client(`slacktide:${base64('ticks')}:qe`),
    client(`other:${base64('index-rebuild')}`),
  ].join('');
  expect(workersByQueue(clients, 'slacktide')).toEqual(
    new Map([
      ['index-rebuild', 2],
      ['ticks', 1],
    ]),
  );
});
