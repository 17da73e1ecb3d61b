// Time in slices: work that goes on while the page stays responsive.

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
