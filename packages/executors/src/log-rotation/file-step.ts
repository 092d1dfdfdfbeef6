import type { FileHandle } from 'node:fs/promises';
import type { Folder } from '@slacktide/acting';
import type { StepRun } from '@slacktide/application/ports';
import type { FileWork } from './file-work.ts';
import type { OwnNames } from './own-files.ts';
import type { LogRotationConfig } from './schema.ts';

/** A step at its file, which is held open. */
export interface FileStep {
  readonly run: StepRun<LogRotationConfig>;
  readonly work: FileWork;
  readonly folder: Folder;
  readonly source: FileHandle;
  readonly names: OwnNames;
  /** Rejects when the worker may not act any more: asked before anything is moved or removed. */
  readonly stillMay: () => Promise<void>;
}
