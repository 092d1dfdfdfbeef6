import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  stale_after_seconds: z
    .number()
    .min(0)
    .default(300)
    .describe('A holder that has been idle for longer than this has abandoned its lock, in seconds. Default 300.'),
  ignore_applications: z
    .array(z.string().min(1))
    .max(100)
    .default(['slacktide/%'])
    .describe(
      'Applications that may hold advisory locks as long as they like, by application_name; % stands for any text. Default ["slacktide/%"], which is ourselves.',
    ),
  ignore_roles: z
    .array(z.string().min(1))
    .max(100)
    .default([])
    .describe('Roles whose sessions may do so too, by name; % stands for any text. Default [].'),
  ignore_keys: z
    .array(z.string().min(1))
    .max(1000)
    .default([])
    .describe(
      'Keys that may be held as long as anybody likes: "42" for a bigint, "7,8" for two integers; % stands for any text, as in "7,%". Default [].',
    ),
});
export type StaleAdvisoryLockConfig = z.infer<typeof config>;

export const checkType: CheckType<StaleAdvisoryLockConfig> = {
  name: 'stale_advisory_lock',
  description:
    'Advisory locks whose holder has been idle for long, in a transaction or not, or is a prepared transaction nobody finished; who waits for them; and the statement that would end the holder.',
  config,
};
