/** Holds, lets go and ends the run under way, whichever worker has it. */
export interface Steering {
  pause(): Promise<void>;
  goOn(): Promise<void>;
  /** With the steps that were taken; asked again, without. */
  cancel(): Promise<void>;
  /** The worker that had the run is gone; what is asked from now on waits for the next. */
  lost(): void;
  /** Another worker has the run: it is told all that was asked. */
  resumed(): Promise<void>;
  /** To be called with the index of each step that is told. */
  stepped(index: number): Promise<void>;
}

/** Steering of a run that nothing was asked of yet. `tell` reaches the worker there is, which may not have the run. */
export function createSteering(tell: (what: 'pause' | 'goOn' | 'cancel') => Promise<void>): Steering {
  let paused = false;
  let cancels = 0;
  let last = -1;
  /** Whether a worker has yet to come to the steps that were taken: told to stop before, it would end without them. */
  let behind = false;

  return {
    pause() {
      paused = true;
      return tell('pause');
    },

    goOn() {
      paused = false;
      return tell('goOn');
    },

    async cancel() {
      paused = false;
      cancels++;
      if (!behind) return tell('cancel');
      if (cancels === 1) return tell('goOn');
      behind = false;
      for (let i = 0; i < cancels; i++) await tell('cancel');
    },

    lost() {
      behind = last >= 0 && cancels < 2;
    },

    async resumed() {
      if (paused) await tell('pause');
      if (!behind) for (let i = 0; i < cancels; i++) await tell('cancel');
    },

    async stepped(index) {
      last = Math.max(last, index);
      if (!behind || index < last) return;
      behind = false;
      if (cancels > 0) await tell('cancel');
    },
  };
}
