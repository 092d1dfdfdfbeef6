import { type AbortReason, TaskAbort } from './task-abort.ts';

/** The tasks this worker has in hand, so that a cancel or a drain finds them. */
export class RunningTasks {
  readonly #controllers = new Map<AbortController, string>();

  /** Registers a task of `jobId`; the returned controller is its stop button. */
  add(jobId: string): AbortController {
    const controller = new AbortController();
    this.#controllers.set(controller, jobId);
    return controller;
  }

  remove(controller: AbortController): void {
    this.#controllers.delete(controller);
  }

  abortJob(jobId: string, reason: AbortReason): void {
    for (const [controller, id] of this.#controllers) {
      if (id === jobId) controller.abort(new TaskAbort(reason));
    }
  }

  abortAll(reason: AbortReason): void {
    for (const controller of this.#controllers.keys()) controller.abort(new TaskAbort(reason));
  }

  get size(): number {
    return this.#controllers.size;
  }
}
