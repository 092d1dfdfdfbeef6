/** A step of the protocol before or after which a process may die, and the case that kills it there. */
export interface ProtocolStep {
  readonly failpoint: string;
  /** What has happened by then, and what has not. */
  readonly between: string;
  /** File of `cases/`. */
  readonly testedBy: string;
}

/** Every step of the protocol. The census holds this list and the failpoints in the source against each other. */
export const protocolSteps: readonly ProtocolStep[] = [
  // The worker, in the order of law 6.
  { failpoint: 'claim.before', between: 'delivered · not claimed', testedBy: 'f01-worker-killed' },
  { failpoint: 'claim.after', between: 'claimed in the ledger · no lease in Redis', testedBy: 'f01-worker-killed' },
  { failpoint: 'lease.acquired', between: 'leased in Redis · no session', testedBy: 'f01-worker-killed' },
  { failpoint: 'session.locked', between: 'advisory lock taken · target not looked at', testedBy: 'f01-worker-killed' },
  {
    failpoint: 'session.opened',
    between: 'session with the advisory lock · nothing planned',
    testedBy: 'f01-worker-killed',
  },
  { failpoint: 'intent.before', between: 'planned · intent not recorded', testedBy: 'f01-worker-killed' },
  { failpoint: 'intent.after', between: 'intent recorded · nothing done', testedBy: 'f01-worker-killed' },
  { failpoint: 'remnant.recorded', between: 'remnant recorded · not acted', testedBy: 'f01b-reindex-killed' },
  {
    failpoint: 'rollback.prepared',
    between: 'rollback point kept · not acted',
    testedBy: 'f21-acts-killed',
  },
  { failpoint: 'step.before', between: 'gate open · statement not sent', testedBy: 'f01-worker-killed' },
  {
    failpoint: 'unit.over',
    between: 'one unit of a step done · the next not begun',
    testedBy: 'f21-acts-killed',
  },
  { failpoint: 'step.after', between: 'statement done · step not recorded', testedBy: 'f01-worker-killed' },
  { failpoint: 'outcome.before', between: 'all done · outcome not written', testedBy: 'f01-worker-killed' },
  { failpoint: 'outcome.after', between: 'outcome written · delivery not completed', testedBy: 'f01-worker-killed' },
  { failpoint: 'delivery.before_complete', between: 'handled · BullMQ not told', testedBy: 'f01-worker-killed' },
  { failpoint: 'renewal.before', between: 'at work · lease not renewed', testedBy: 'f01-worker-killed' },
  { failpoint: 'drain.begun', between: 'told to stop · nothing handed back', testedBy: 'f18-drain' },
  // Recovery of what another worker left.
  { failpoint: 'recovery.taken_over', between: 'taken over · target not looked at', testedBy: 'f01c-recovery-killed' },
  { failpoint: 'recovery.before_redrive', between: 'found not done · not redriven', testedBy: 'f01c-recovery-killed' },
  { failpoint: 'recovery.after_redrive', between: 'redriven · recovery not over', testedBy: 'f01c-recovery-killed' },
  { failpoint: 'recovery.before_settle', between: 'outcome found · not written', testedBy: 'f01c-recovery-killed' },
  {
    failpoint: 'recovery.after_settle',
    between: 'outcome written · recovery not over',
    testedBy: 'f01c-recovery-killed',
  },
  // Requests and the relay.
  {
    failpoint: 'transaction.before_commit',
    between: 'rows written · not committed',
    testedBy: 'f02-control-plane-killed',
  },
  { failpoint: 'transaction.after_commit', between: 'committed · not answered', testedBy: 'f02-control-plane-killed' },
  {
    failpoint: 'relay.before_add',
    between: 'outbox row locked · flow not added',
    testedBy: 'f02-control-plane-killed',
  },
  {
    failpoint: 'relay.after_add',
    between: 'flow added · outbox row not deleted',
    testedBy: 'f02-control-plane-killed',
  },
  {
    failpoint: 'relay.before_delete',
    between: 'relayed · deletion not committed',
    testedBy: 'f02-control-plane-killed',
  },
  { failpoint: 'relay.before_remove', between: 'job over · flow not removed', testedBy: 'f02-control-plane-killed' },
  // What the control plane does on its own.
  {
    failpoint: 'tick.before_commit',
    between: 'jobs of a tick written · not committed',
    testedBy: 'f02b-dispatcher-killed',
  },
  {
    failpoint: 'tick.after_commit',
    between: 'jobs of a tick committed · timer not told',
    testedBy: 'f02b-dispatcher-killed',
  },
  {
    failpoint: 'reconcile.before_rebuild',
    between: 'flow found lost · not rebuilt',
    testedBy: 'f02b-dispatcher-killed',
  },
  {
    failpoint: 'reconcile.after_rebuild',
    between: 'next generation committed · pass not over',
    testedBy: 'f02b-dispatcher-killed',
  },
  { failpoint: 'reconcile.before_remove', between: 'stray found · not removed', testedBy: 'f02b-dispatcher-killed' },
  { failpoint: 'seal.before_commit', between: 'seals written · not committed', testedBy: 'f02b-dispatcher-killed' },
];
