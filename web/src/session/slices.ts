// Time in slices: work that goes on while the page stays responsive.

const SLICE = 12; // milliseconds of work at a time
const CHUNK = 4; // milliseconds of work between two looks at the clock
const HIDDEN = 1000; // milliseconds between two slices of a tab that nobody sees

let channel: MessageChannel | null = null;
let waiting: (() => void)[] = [];

/** Call f soon, after what the browser has to do, or after a number of milliseconds. */
export function later(f: () => void, delay = 0): void {
  const isHidden = typeof document !== "undefined" && document.hidden;
  if (isHidden || delay > 0) {
    setTimeout(f, isHidden ? HIDDEN : delay);
    return;
  }
  // a timer of 0 milliseconds would wait for 4
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => {
      const due = waiting;
      waiting = [];
      for (const each of due) each();
    };
  }
  waiting.push(f);
  channel.port2.postMessage(null);
}

/** After what the browser has to do. */
export function pause(): Promise<void> {
  return new Promise((resolve) => later(resolve));
}

/** Steps of a run, as many as there is time for. */
export class Work {
  private rate = 1; // steps in a millisecond, of late

  /** Take steps until the slice is over, or `take` says that it is done. */
  slice(run: { readonly step: number }, take: (steps: number) => boolean): void {
    let now = performance.now();
    for (const end = now + SLICE; now < end; ) {
      const from = run.step;
      const done = take(Math.max(1, Math.floor(this.rate * CHUNK)));
      const then = performance.now();
      this.rate = Math.min(1e5, (this.rate + (run.step - from) / Math.max(then - now, 0.01)) / 2);
      now = then;
      if (done) return;
    }
  }
}
