// The pen: points of classes in the plane, or targets over one input, set by mouse, touch or keys.

import { useRef, useState } from "preact/hooks";

export interface Pen {
  /** Where the keyboard's cross stands; null before a key was pressed. */
  at: [number, number] | null;
  /** Listeners for the inside of the drawing. */
  inside: Record<string, unknown>;
}

interface PenOptions {
  on: boolean;
  domain: readonly [number, number, number, number];
  /** Limits of what can be drawn. */
  limits: readonly [number, number, number, number];
  /** Distance between points while drawing a line, in units of x and of y. */
  apart: number;
  add: (x: number, y: number) => void;
  label: string;
}

export function usePen({ on, domain, limits, apart, add, label }: PenOptions): Pen {
  const [at, setAt] = useState<[number, number] | null>(null);
  const last = useRef<[number, number] | null>(null);
  if (!on) return { at: null, inside: {} };
  const [left, right, bottom, top] = domain;
  const round = (x: number) => Math.round(x * 100) / 100;
  const within = ([x, y]: readonly [number, number]) =>
    x >= limits[0] && x <= limits[1] && y >= limits[2] && y <= limits[3];
  const put = (to: [number, number]) => within(to) && add(to[0], to[1]);
  const place = (event: PointerEvent): [number, number] => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    return [
      round(left + ((event.clientX - box.left) / box.width) * (right - left)),
      round(top - ((event.clientY - box.top) / box.height) * (top - bottom)),
    ];
  };
  const keys = (event: KeyboardEvent) => {
    const [x, y] = at ?? [0, 0];
    const size = event.shiftKey ? 0.5 : 0.1;
    const to = {
      ArrowLeft: [x - size, y],
      ArrowRight: [x + size, y],
      ArrowUp: [x, y + size],
      ArrowDown: [x, y - size],
    }[event.key];
    if (to)
      setAt([
        round(Math.max(limits[0], Math.min(limits[1], to[0]!))),
        round(Math.max(limits[2], Math.min(limits[3], to[1]!))),
      ]);
    else if (event.key === "Enter" || event.key === " ") put([x, y]);
    else return;
    event.preventDefault();
  };
  return {
    at,
    inside: {
      class: "inside pen",
      role: "application",
      tabIndex: 0,
      "aria-label": label,
      onPointerDown: (event: PointerEvent) => {
        (event.currentTarget as Element).setPointerCapture(event.pointerId);
        last.current = place(event);
        put(last.current);
      },
      onPointerMove: (event: PointerEvent) => {
        if (!last.current || !event.buttons) return;
        const to = place(event);
        if (Math.hypot(to[0] - last.current[0], to[1] - last.current[1]) < apart) return;
        last.current = to;
        put(to);
      },
      onPointerUp: () => (last.current = null),
      onKeyDown: keys,
    },
  };
}
