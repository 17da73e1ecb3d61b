// What the workshop's session sends by itself: the data, and a frame for each slice of training.

import type { Arrays, Message, Numbers } from "../protocol.ts";
import { useEffect, useReducer } from "preact/hooks";
import type { Engine, NetworkSpec, Rows } from "../engine/index.ts";
import type { Dataset } from "../model/workshop/datasets.ts";

/** What the drawings compute their pictures from. */
export interface Bench {
  engine: Engine;
  dataset: Dataset;
  spec: NetworkSpec;
  /** The training rows, with targets as the loss takes them. */
  rows: Rows;
  /** Steps of the run so far, in order, and θ there: its snapshots. */
  path(): { step: number; theta: Float64Array }[];
}

export interface DataSet {
  bench: Bench;
  axes: [number, number];
  domain: [number, number, number, number];
  features: string[];
  labels: string[];
  n_classes: number;
  columns: [string, string, string][];
  rows: [number, number];
  sizes: number[];
  layout: [number, number][];
  activations: string[];
  output: string;
  X: Float64Array;
  t: Float64Array;
  X_test: Float64Array;
  t_test: Float64Array;
}

export interface Frame {
  training: boolean;
  replaying: boolean;
  numbers: Numbers;
  n_steps: number;
  leg: number;
  batch: number[];
  nonfinite: string;
  example?: { index: number; of: number; row: number };
  theta: Float64Array;
  gradient: Float64Array;
  exampleGradient?: Float64Array;
  /** Rows: step, epoch, loss.train, loss.test, score.train, score.test. */
  curve: Float64Array[];
}

type Listener = () => void;

export class Live {
  data: DataSet | null = null;
  frame: Frame | null = null;
  /** The number of frames drawn, for measurements. */
  drawn = 0;
  private listeners = new Set<Listener>();
  private due = false;

  take(message: Message, arrays: Arrays): void {
    if (message.type === "data") {
      const { X, t, X_test, t_test } = arrays as Record<string, { data: Float64Array }>;
      this.data = {
        ...(message as unknown as DataSet),
        X: X!.data,
        t: t!.data,
        X_test: X_test!.data,
        t_test: t_test!.data,
      };
      this.frame = null; // the frame belongs to the previous network
    } else if (message.type === "frame") {
      const curve = arrays.curve!;
      const n = curve.shape[1] ?? 0;
      const rows = Array.from({ length: curve.shape[0] ?? 0 }, (_, k) =>
        (curve.data as Float64Array).subarray(k * n, (k + 1) * n),
      );
      this.frame = {
        ...(message as unknown as Frame),
        theta: arrays.theta!.data as Float64Array,
        gradient: arrays.gradient!.data as Float64Array,
        exampleGradient: arrays.example_gradient?.data as Float64Array | undefined,
        curve: rows,
      };
    } else return;
    this.schedule();
  }

  /** A dataset and a network, whose frames follow. */
  show(data: DataSet): void {
    this.data = data;
    this.frame = null;
    this.schedule();
  }

  /** The state of the run. */
  update(frame: Frame): void {
    this.frame = frame;
    this.schedule();
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Calls the listeners once per screen refresh, however many messages arrive. */
  private schedule(): void {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      for (const listener of this.listeners) listener();
      document.documentElement.dataset.frames = String(++this.drawn);
    });
  }
}

/** Redraw the component with each frame, at most every `pause` milliseconds during training. */
export function useLive(live: Live, pause = 0): void {
  const [, rerender] = useReducer<number, void>((n) => n + 1, 0);
  useEffect(() => {
    let last = 0;
    let timer = 0;
    let seen = live.data;
    const off = live.subscribe(() => {
      const wait = seen === live.data ? last + pause - performance.now() : 0;
      seen = live.data;
      window.clearTimeout(timer);
      if (wait > 0) {
        timer = window.setTimeout(() => {
          last = performance.now();
          rerender();
        }, wait);
        return;
      }
      last = performance.now();
      rerender();
    });
    return () => {
      window.clearTimeout(timer);
      off();
    };
  }, [live, pause]);
}

/** The place of a weight in θ, and of a bias. */
export function placeOfWeight(data: DataSet, layer: number, unit: number, source: number): number {
  return data.layout[layer - 1]![0] + unit * data.sizes[layer - 1]! + source;
}

export function placeOfBias(data: DataSet, layer: number, unit: number): number {
  return data.layout[layer - 1]![1] + unit;
}
