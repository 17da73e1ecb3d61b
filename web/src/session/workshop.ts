// The workshop while the page has it open: a run with its data, trained in slices of time.
//
// Between commands, while training is on or a recorded run is replayed, it works for some milliseconds
// at a time and sends a frame now and then.

import { Engine } from "../engine/index.ts";
import { program } from "../model/workshop/code.ts";
import { type Dataset, datasetFromSettings } from "../model/workshop/datasets.ts";
import { type Example, exampleAt } from "../model/workshop/example.ts";
import { EXPORTS } from "../model/workshop/exports.ts";
import { dataMessage, frameMessage } from "../model/workshop/frame.ts";
import { DURING, MAX_STEPS, writeRun } from "../model/workshop/legs.ts";
import { fitting, presetOf, type Preset } from "../model/workshop/fitting.ts";
import { report } from "../model/workshop/report.ts";
import { rewindPlace } from "../model/workshop/rewinding.ts";
import { firstAxes } from "../model/workshop/pictures.ts";
import { Run } from "../model/workshop/run.ts";
import { OF_DATA } from "../model/workshop/settings.ts";
import { loaded, saved } from "../model/workshop/state_file.ts";
import { type LoadedTable, loadTable } from "../model/workshop/table_file.ts";
import { change, defaults, shown } from "../model/settings.ts";
import type { Model } from "../model/station.ts";
import type { Settings, View } from "../protocol.ts";
import type { Command, OpenStation, Surroundings } from "./opened.ts";
import { payload } from "./payload.ts";
import { later, pause, Work } from "./slices.ts";

/** Epochs per second. */
const SPEEDS: Record<string, number> = { "1": 1, "10": 10, "100": 100, most: Infinity };
const PACE = 20; // milliseconds between two slices at a limited speed
const FRAME = 33; // milliseconds between two frames at full speed, at least
const RAREST = 150; // and at most, also where drawing is slow

type Axes = [x: number, y: number];

export class Workshop implements OpenStation {
  run: Run | null = null;
  private record: Settings;
  private table: LoadedTable | null = null;
  private made: { key: string; table: LoadedTable | null; dataset: Dataset } | null = null;
  private axes: Axes = [0, 1];
  private preset: Preset | null = null;
  /** The place of the inspected example in the next mini-batch. */
  private example: number | null = null;
  /** Epochs per second while training. */
  private speed: number | null = null;
  /** The step that the replay of a run is heading for. */
  private goal: number | null = null;
  private owed = 0; // steps due at a limited speed
  private clock = 0; // when the last slice began
  private framed = 0; // when the last frame was sent
  private worked = 0; // milliseconds of work since then
  private readonly work = new Work();
  private due = false; // whether a slice is on its way

  constructor(
    readonly model: Model,
    private readonly around: Surroundings,
  ) {
    this.record = defaults(model.fields);
    try {
      this.table = given();
    } catch (error) {
      setTimeout(() => around.push({ type: "error", message: (error as Error).message }));
    }
  }

  // ---- what every station has --------------------------------------------------------------------

  /** The settings here, without the run so far. */
  settings = (): Settings => {
    return { ...(this.run?.settings ?? this.record), run: "" };
  };

  linked = (): Settings => {
    return this.run?.linkSettings ?? this.record;
  };

  view = (): View => {
    return { numbers: {}, python: "" };
  };

  greeting = (): Record<string, unknown> => {
    return { table: this.tableShown() };
  };

  /** A new run of these settings, which is replayed to its end. */
  start = async (settings: Settings): Promise<void> => {
    const engine = await Engine.load();
    this.begin(engine, settings);
    this.preset = presetOf(this.model, settings);
  };

  enter = async (): Promise<void> => {
    if (this.run) this.show();
    else await this.start(this.record);
  };

  leave = (): void => {
    this.halt();
  };

  /** Change settings. The run continues if it can, or else starts again. */
  change = (changes: Settings): void => {
    const run = this.need();
    if ("run" in changes) throw new Error("run is the result of training and cannot be set");
    const during = Object.keys(changes).every((name) => DURING.includes(name));
    const wanted = change(this.model.fields, this.settings(), changes);
    if (run.step && during) {
      this.example = null;
      for (const name of Object.keys(changes)) run.change(name, wanted[name]);
      this.publishFrame();
      return;
    }
    const dataset = (settings: Settings) => this.dataset(run.engine, settings);
    const record = fitting(run.dataset, this.settings(), wanted, changes, dataset, this.preset);
    // weights set by hand before the first step stay
    if (during) record.run = writeRun([{ changes: run.legs[0]!.changes, steps: 0 }]);
    else if (record.data !== run.start.data) this.preset = null;
    this.begin(run.engine, record);
  };

  commands: Record<string, Command> = {
    train: ({ speed }) => {
      if (!Object.hasOwn(SPEEDS, speed))
        throw new Error(`speed must be one of ${Object.keys(SPEEDS).join(", ")}; got ${shown(speed)}`);
      this.need();
      this.goal = null;
      this.speed = SPEEDS[speed]!;
      this.owed = 1;
      this.clock = 0;
      this.schedule();
      return {};
    },
    pause: () => {
      this.halt();
      this.publishFrame();
      return { link: this.around.link() };
    },
    step: ({ unit }) => {
      const run = this.need();
      const place = this.example;
      this.halt();
      if (unit === "batch") run.advance(1);
      else if (unit === "epoch") run.advanceEpoch();
      else if (unit === "example") this.stepExample(run, place);
      else throw new Error(`unit must be 'example', 'batch' or 'epoch'; got ${shown(unit)}`);
      this.publishFrame();
      return { link: this.around.link() };
    },
    seek: ({ step }) => {
      const run = this.need();
      if (!Number.isInteger(step) || step < 0 || step > MAX_STEPS)
        throw new Error(`step must be from 0 to ${MAX_STEPS}; got ${shown(step)}`);
      this.halt();
      run.rewind(step);
      this.goal = step;
      this.replay(run); // what is left follows between commands
      this.publishFrame();
      this.schedule();
      return { station: true };
    },
    edit: ({ name, value }) => {
      this.need().change(name, value);
      this.halt();
      this.publishFrame();
      return { station: true };
    },
    /** Go back to where the run was well, and divide the learning rate there by 10. */
    lower_rate: () => {
      const run = this.need();
      this.halt();
      const { step, rate } = rewindPlace(run);
      run.seek(step);
      this.change({ learning_rate: rate });
      return { station: true };
    },
    axes: ({ x, y }) => {
      const run = this.need();
      for (const [name, axis] of Object.entries({ x, y }))
        if (!(Number.isInteger(axis) && axis >= 0 && axis < run.dataset.n_inputs))
          throw new Error(`${name} must be a feature from 0 to ${run.dataset.n_inputs - 1}`);
      this.axes = [x, y];
      this.show();
      return {};
    },
    report: ({ part }) => {
      const run = this.need();
      return { report: report(run, part), step: run.step };
    },
    python: async ({ panel, part }) => {
      const run = await this.stand(); // the program must print what the page shows
      const asked = { run, part, example: this.shownExample(), tableName: this.table?.name ?? "" };
      return { python: program(asked, String(panel)), link: this.around.link() };
    },
    export: ({ what }) => {
      if (!Object.hasOwn(EXPORTS, what))
        throw new Error(`what must be one of ${Object.keys(EXPORTS).join(", ")}; got ${shown(what)}`);
      return { ...EXPORTS[what]!(this.need(), this.table?.name ?? "") };
    },
    load_table: ({ name }, file) => {
      this.need();
      const old = this.table;
      this.table = loadTable(file ?? new Uint8Array(), String(name));
      try {
        this.change({ data: "table", target: this.table.table.columns.at(-1), kinds: [] });
      } catch (error) {
        this.table = old;
        throw error;
      }
      return { table: this.tableShown(), station: true };
    },
    save: () => ({ file: saved(this.need(), this.table) }),
    load: async (_, file) => {
      const { settings, table } = loaded(file ?? new Uint8Array());
      const old = this.table;
      if (table) this.table = loadTable(table.bytes, table.name);
      try {
        await this.start(settings);
      } catch (error) {
        this.table = old;
        throw error;
      }
      return { table: this.tableShown(), station: true };
    },
  };

  // ---- the run -----------------------------------------------------------------------------------

  private need(): Run {
    if (!this.run) throw new Error("this command is for the workshop; open it first");
    return this.run;
  }

  /** The new run; if it cannot be made, the old one stays. */
  private begin(engine: Engine, record: Settings): void {
    const run = new Run(engine, record, this.dataset(engine, record));
    const known = this.run?.dataset.features.join("\0");
    this.halt();
    this.run?.free();
    this.run = run;
    this.record = record;
    if (run.dataset.features.join("\0") !== known) this.axes = firstAxes(run.dataset);
    this.goal = run.nSteps || null;
    this.show();
    this.schedule();
  }

  /** The data of the settings, made again only if the settings have changed. */
  private dataset(engine: Engine, settings: Settings): Dataset {
    const key = JSON.stringify(OF_DATA.map((name) => settings[name]));
    const { made, table } = this;
    if (made?.key === key && made.table === table) return made.dataset;
    const dataset = datasetFromSettings(engine, settings, table?.table ?? null);
    this.made = { key, table, dataset };
    return dataset;
  }

  /** The next example of the mini-batch; after the last example the step is taken. */
  private stepExample(run: Run, place: number | null): void {
    const following = place === null ? 0 : place + 1;
    if (following < run.nextBatch().length) this.example = following;
    else run.advance(1);
  }

  private tableShown(): { name: string; columns: string[]; notes: string[] } {
    const { name = "", table } = this.table ?? {};
    return { name, columns: table?.columns ?? [], notes: table?.notes ?? [] };
  }

  // ---- time --------------------------------------------------------------------------------------

  /** Stop training at the current step. */
  private halt(): void {
    this.speed = this.goal = this.example = null;
  }

  /** Stop training, let a replay come to its end, and send the frame of the current step. */
  private async stand(): Promise<Run> {
    while (this.goal !== null) await pause();
    this.speed = null;
    const run = this.need();
    this.publishFrame();
    return run;
  }

  private get isMoving(): boolean {
    return this.speed !== null || this.goal !== null;
  }

  private schedule(): void {
    if (this.due || !this.isMoving) return;
    this.due = true;
    const isLimited = this.goal === null && this.speed !== Infinity;
    later(
      () => {
        this.due = false;
        this.slice();
        this.schedule();
      },
      isLimited ? PACE : 0,
    );
  }

  private slice(): void {
    const { run } = this;
    if (!run || !this.isMoving) return;
    const begin = performance.now();
    try {
      if (this.goal !== null) this.replay(run);
      else this.train(run, this.speed!);
      if (run.nonfinite || run.step >= MAX_STEPS) this.speed = null;
    } catch (error) {
      this.halt(); // a bug of ours must not end the page
      this.around.push({ type: "error", message: String(error) });
    }
    const now = performance.now();
    this.worked += now - begin;
    if (!this.isMoving || this.isFrameDue(now - this.framed)) this.publishFrame();
  }

  /** Drawing gets no more than half of the time, unless it is slow. */
  private isFrameDue(since: number): boolean {
    return since > FRAME && (2 * this.worked > since || since > RAREST);
  }

  private train(run: Run, speed: number): void {
    const now = performance.now();
    if (speed === Infinity) {
      this.work.slice(run, (steps) => {
        run.advance(steps);
        return run.nonfinite !== null || run.step >= MAX_STEPS;
      });
      return;
    }
    const seconds = this.clock ? Math.min((now - this.clock) / 1000, 0.25) : 0;
    this.clock = now;
    this.owed += speed * run.stepsPerEpoch * seconds;
    const whole = Math.floor(this.owed);
    this.owed -= whole;
    if (whole) run.advance(whole);
  }

  /** Replay recorded steps for a slice of time. */
  private replay(run: Run): void {
    const goal = this.goal!;
    this.work.slice(run, (steps) => {
      const isThere = run.replay(goal, steps);
      if (isThere) this.goal = null;
      return isThere;
    });
  }

  // ---- what the page is told ---------------------------------------------------------------------

  /** Everything that the page needs to draw the workshop anew. */
  private show(): void {
    this.around.push(...dataMessage(this.need(), this.axes));
    this.publishFrame();
  }

  private publishFrame(): void {
    if (!this.run) return;
    this.framed = performance.now();
    this.worked = 0;
    const status = {
      training: this.speed !== null,
      replaying: this.goal !== null,
      link: this.isMoving ? "" : this.around.link(),
    };
    this.around.push(...frameMessage(this.run, status, this.shownExample()));
  }

  private shownExample(): Example | null {
    return this.run && this.example !== null ? exampleAt(this.run, this.example) : null;
  }
}

/** The table that the page was given when it was written. */
function given(): LoadedTable | null {
  if (!payload.table) return null;
  const { name, text, sampledFrom } = payload.table;
  const loaded = loadTable(new TextEncoder().encode(text), name);
  const { n_rows, notes } = loaded.table;
  if (sampledFrom) notes.unshift(`These are ${n_rows} of the table’s ${sampledFrom} rows, drawn at random.`);
  return loaded;
}
