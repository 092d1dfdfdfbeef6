import type { EffectPage, EffectQuery } from '@slacktide/contract';
import { adviseFromEffects, type EffectAdvice } from '@slacktide/domain';
import { invalid } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import {
  type Aftermath,
  advisingEffects,
  type EffectAction,
  type EffectReader,
  effectActions,
  type PastEffect,
  type RequestContext,
  toLasting,
} from '../ports/index.ts';
import { effectView } from '../view/effect-view.ts';
import { pageView } from '../view/page-view.ts';

/** What act work did, newest first: what it freed, how fast that came back, and what its history advises. @throws AppError `invalid_request` */
export async function listEffects(
  { ledger }: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  query: EffectQuery,
): Promise<EffectPage> {
  const { limit, cursor, target_id: targetId, object, action } = query;
  const page = await ledger.effects.list({ limit, cursor }, { targetId, object, action: actionNamed(action) });
  const history = await ledger.effects.ofObjects(objectsOf(page.items), advisingEffects);
  const aftermaths = await ledger.effects.aftermaths(distinct([...page.items, ...history]));
  const advice = adviceOf(history, aftermaths, await ledger.now());
  return pageView(page, (effect) => effectView(effect, aftermaths.get(effect.id), advice.get(keyOf(effect)) ?? null));
}

function actionNamed(action: string | undefined): EffectAction | undefined {
  if (action === undefined) return undefined;
  const known = effectActions.find((each) => each === action);
  if (known === undefined) throw invalid('?action', 'unknown_action', `Expected one of ${effectActions.join(', ')}`);
  return known;
}

function objectsOf(effects: readonly PastEffect[]): Parameters<EffectReader['ofObjects']>[0] {
  const byKey = new Map(effects.map(({ targetId, object }) => [keyOf({ targetId, object }), { targetId, object }]));
  return [...byKey.values()];
}

function keyOf({ targetId, object }: Pick<PastEffect, 'targetId' | 'object'>): string {
  return `${targetId} ${object}`;
}

function distinct(effects: readonly PastEffect[]): readonly PastEffect[] {
  return [...new Map(effects.map((effect) => [effect.id, effect])).values()];
}

function adviceOf(
  history: readonly PastEffect[],
  aftermaths: ReadonlyMap<number, Aftermath>,
  now: Date,
): ReadonlyMap<string, EffectAdvice | null> {
  const byObject = Map.groupBy(history, keyOf);
  return new Map(
    [...byObject].map(([key, effects]) => {
      const lasting = effects.flatMap((effect) => {
        const aftermath = aftermaths.get(effect.id);
        return aftermath === undefined ? [] : [toLasting({ effect, aftermath })];
      });
      return [key, adviseFromEffects(lasting, now)];
    }),
  );
}
