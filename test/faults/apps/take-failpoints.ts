import { armFailpoints } from '@slacktide/application';

/** Arms what FAILPOINTS says, and whatever the rig sends later as `{ failpoints: '…' }`; answers `{ armed: '…' }`. */
export function takeFailpoints(env: Readonly<Record<string, string | undefined>>): void {
  armFailpoints(env['FAILPOINTS']);
  process.on('message', (message: unknown) => {
    if (typeof message !== 'object' || message === null || !('failpoints' in message)) return;
    armFailpoints(String(message.failpoints));
    process.send?.({ armed: message.failpoints });
  });
}
