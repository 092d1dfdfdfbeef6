import type { NodeObservation, ObjectReading } from '@slacktide/application/ports';
import { extendSpan, type ObservationSpan } from '@slacktide/domain';
import type { observedObjects } from '../schema/observed-objects.ts';
import { areSame, extendNames, packFigures, unpackFigures } from './figures.ts';

type ObservedRow = typeof observedObjects.$inferSelect;

/** Of an object that is watched, what the next look at it is compared with. */
export type KnownObject = Pick<
  ObservedRow,
  | 'kind'
  | 'oid'
  | 'epoch'
  | 'spanStartedAt'
  | 'counterNames'
  | 'counters'
  | 'spanCounters'
  | 'gaugeNames'
  | 'gauges'
  | 'goneAt'
  | 'changedAt'
>;

/** An object as a look leaves it. */
export type ObservedObject = Omit<KnownObject, 'epoch' | 'goneAt'> & Pick<ObservedRow, 'name' | 'filenode'>;

/** What is written of an object that was read at `at`. One that was gone is another one now. */
export function observe(
  known: KnownObject | undefined,
  reading: ObjectReading,
  { epoch, at }: Pick<NodeObservation, 'epoch'> & { readonly at: Date },
): ObservedObject {
  const { kind, oid, name, filenode } = reading;
  const before = known?.goneAt === null ? known : undefined;
  const span = extendSpan(before && spanOf(before), { oid, epoch, counters: reading.counters }, at);
  // Also of one that was gone: its samples stay, and are read by these names.
  const counterNames = extendNames(known?.counterNames ?? [], span.counters);
  const gaugeNames = extendNames(known?.gaugeNames ?? [], reading.gauges);
  const figures = {
    counterNames,
    counters: packFigures(counterNames, span.counters),
    gaugeNames,
    gauges: packFigures(gaugeNames, reading.gauges),
  };
  const isSame =
    before !== undefined &&
    span.startedAt === before.spanStartedAt &&
    areSame(before.counters, figures.counters) &&
    areSame(before.gauges, figures.gauges);
  return {
    kind,
    oid,
    name,
    filenode,
    ...figures,
    spanStartedAt: span.startedAt,
    spanCounters: packFigures(counterNames, span.startCounters),
    changedAt: isSame ? before.changedAt : at,
  };
}

function spanOf({ oid, epoch, spanStartedAt, counterNames, counters, spanCounters }: KnownObject): ObservationSpan {
  return {
    oid,
    epoch,
    counters: unpackFigures(counterNames, counters),
    startedAt: spanStartedAt,
    startCounters: unpackFigures(counterNames, spanCounters),
  };
}
