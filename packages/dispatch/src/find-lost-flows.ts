import type { LostFlow, OpenFlow } from '@slacktide/application/ports';
import type { Result } from 'ioredis';
import type { Connections } from './connection.ts';
import { rootIdOf } from './flow-tree.ts';
import { luaStands } from './lua-stands.ts';
import { finaliseQueue, queueOfTaskType } from './queue-names.ts';

/**
 * Looks at flows, each at one moment: walks from the root down through what is still waited for.
 *
 * ARGV[1] head of all keys, ARGV[2] JSON of [root id, [[queue, delivery id], …]], …; answers JSON of one entry a flow: `true` = whole,
 * `false` = the tree is broken, else the positions (from 1) of deliveries that the walk did not meet.
 */
const findLost = `${luaStands}
local head = ARGV[1]
local function walk(queue, id, met)
  local place = head .. queue .. ':'
  local how = stands(place, id)
  if not how then return false end
  met[queue .. ':' .. id] = true
  if how ~= 'waits' then return true end
  local children = redis.call('SMEMBERS', place .. id .. ':dependencies')
  if #children == 0 then return false end
  for _, key in ipairs(children) do
    local childQueue, childId = string.match(string.sub(key, #head + 1), '^([^:]+):(.+)$')
    if not childQueue or not walk(childQueue, childId, met) then return false end
  end
  return true
end
local answers = {}
for position, flow in ipairs(cjson.decode(ARGV[2])) do
  local met = {}
  local answer = walk('${finaliseQueue}', flow[1], met)
  if answer then
    local missing = {}
    for index, node in ipairs(flow[2]) do
      if not met[node[1] .. ':' .. node[2]] then missing[#missing + 1] = index end
    end
    if #missing > 0 then answer = missing end
  end
  answers[position] = answer
end
return cjson.encode(answers)
`;

/** Flows in one script: Redis serves nobody else meanwhile, so some ten microseconds for each. */
const flowsAtOnce = 50;

/** Finds flows of which something is gone. */
export function lostFlowFinder(connections: Connections, prefix: string) {
  connections.commands.defineCommand('slacktideFindLost', { numberOfKeys: 0, lua: findLost });
  const look = async (flows: readonly OpenFlow[]): Promise<readonly LostFlow[]> => {
    const trees = flows.map((flow) => [rootIdOf(flow), flow.openTasks.map((task) => nodeOf(task, flow.generation))]);
    const answers = JSON.parse(
      await connections.commands.slacktideFindLost(`${prefix}:`, JSON.stringify(trees)),
    ) as readonly (boolean | readonly number[])[];
    return flows.flatMap((flow, position) => lossOf(flow, answers[position] ?? true));
  };
  return async (flows: readonly OpenFlow[]): Promise<readonly LostFlow[]> => {
    const lost: LostFlow[] = [];
    for (let from = 0; from < flows.length; from += flowsAtOnce) {
      const some = flows.slice(from, from + flowsAtOnce);
      lost.push(...(await connections.command('look at flows', () => look(some))));
    }
    return lost;
  };
}

function nodeOf({ taskId, type }: { taskId: string; type: string }, generation: number): readonly [string, string] {
  return [queueOfTaskType(type), `${taskId}-${generation}`];
}

function lossOf({ jobId, generation, openTasks }: OpenFlow, answer: boolean | readonly number[]): readonly LostFlow[] {
  if (answer === true) return [];
  if (answer === false) return [{ jobId, generation, missingTaskIds: null }];
  const missing = new Set(answer);
  const missingTaskIds = openTasks.flatMap(({ taskId }, index) => (missing.has(index + 1) ? [taskId] : []));
  return [{ jobId, generation, missingTaskIds }];
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    slacktideFindLost(head: string, flows: string): Result<string, Context>;
  }
}
