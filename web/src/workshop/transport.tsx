// Train, pause, step, rewind: where the run stands, and where to go.

import { Num } from "../components/numbers.tsx";
import { CopyPython } from "../components/copy.tsx";
import { Explain } from "../components/explain.tsx";
import { Choice, useId } from "../components/slider.tsx";
import { real } from "../protocol.ts";
import type { Store } from "../store.ts";
import { t } from "../text.ts";
import { useLive } from "./live.ts";

const speeds = () => ({
  "1": t("1 epoch/s"),
  "10": t("10 epochs/s"),
  "100": t("100 epochs/s"),
  most: t("full speed"),
});

interface TransportProps {
  store: Store;
  speed: string;
  setSpeed: (speed: string) => void;
  python: () => Promise<string>;
}

export function Transport({ store, speed, setSpeed, python }: TransportProps) {
  useLive(store.live);
  const id = useId();
  const { frame, data } = store.live;
  const step = real(frame?.numbers.step ?? 0);
  const training = frame?.training ?? false;
  const run = () => void (training ? store.ask("pause") : store.ask("train", { speed }));
  const one = (unit: string) => () => void store.ask("step", { unit });
  const number = (name: string) => real(frame?.numbers[name]);
  const score = data?.n_classes ? t("acc.") : "RMSE";
  const example = frame?.example;
  return (
    <section class="transport" aria-label={t("Training")}>
      <div class="buttons" role="group" aria-label={t("Run")}>
        <button
          title={t("Rewind to exactly the same start")}
          onClick={() => void store.ask("seek", { step: 0 })}
          aria-label={t("Rewind to the start")}
        >
          <Icon d="M3 2h2v12H3zM14 2v12L5.5 8z" />
        </button>
        <button class="primary run" onClick={run}>
          <Icon d={training ? "M4 2h3v12H4zM9 2h3v12H9z" : "M4 2v12l9-6z"} /> {training ? t("Pause") : t("Train")}
        </button>
        <span class="faint" aria-hidden="true">
          {t("Step:")}
        </span>
        <Explain of="workshop.step" label={t("Step")} />
        <button aria-label={t("Step by one example")} onClick={one("example")} title={t("One row of the next mini-batch: its z, h and gradient")}>
          {t("example")}
        </button>
        <button aria-label={t("Step by one mini-batch")} onClick={one("batch")} title={t("One mini-batch: one step of the optimiser")}>
          {t("batch")}
        </button>
        <button aria-label={t("Step by one epoch")} onClick={one("epoch")} title={t("To the end of the epoch")}>
          {t("epoch")}
        </button>
        <Choice
          bare
          label={t("Speed")}
          value={speed}
          options={speeds()}
          onChange={(to) => {
            setSpeed(to);
            if (training) void store.ask("train", { speed: to });
          }}
        />
      </div>
      <div class="history">
        <span class="labelled">
          <label for={id}>{t("History")}</label>
          <Explain of="workshop.history" label={t("History")} />
        </span>
        <input
          id={id}
          type="range"
          min={0}
          max={Math.max(1, frame?.n_steps ?? 1)}
          step={1}
          value={step}
          disabled={!frame?.n_steps}
          aria-valuetext={t("step {step} of {n}", { step, n: frame?.n_steps ?? 0 })}
          onInput={(event) => store.later("seek", { step: Number(event.currentTarget.value) })}
        />
      </div>
      <div class="figures">
        <Figure label={t("epoch")} name="epoch" value={number("epoch")} digits={1} />
        <Figure label={t("step")} name="step" value={step} />
        <Figure label={t("ℒ train")} name="loss.train" value={number("loss.train")} />
        {frame && "loss.test" in frame.numbers && (
          <Figure label={t("ℒ test")} name="loss.test" value={number("loss.test")} />
        )}
        <Figure label={t("{score} train", { score })} name="score.train" value={number("score.train")} />
        {frame && "score.test" in frame.numbers && (
          <Figure label={t("{score} test", { score })} name="score.test" value={number("score.test")} />
        )}
        <CopyPython python={python} title={t("The run")} />
      </div>
      {example && (
        <p class="note" role="status">
          {t("Example {index} of {n} of the next mini-batch, row {row}:", {
            index: example.index + 1,
            n: example.of,
            row: example.row,
          })}{" "}
          ℒ = <Num name="example.loss" value={number("example.loss")} />, t ={" "}
          <Num name="example.t" value={number("example.t")} />.{" "}
          {t("The weights change after the last example.")}
        </p>
      )}
      {frame?.nonfinite && (
        <p class="alarm" role="alert">
          {t("Training has stopped: {reason}.", { reason: frame.nonfinite })} <LowerRate store={store} />
        </p>
      )}
    </section>
  );
}

/** The way back from NaN. */
export function LowerRate({ store }: { store: Store }) {
  return (
    <button
      class="small"
      title={t("Go back to where the run was well, and divide the learning rate there by 10")}
      onClick={() => void store.ask("lower_rate")}
    >
      {t("Rewind, then lower the rate")}
    </button>
  );
}

function Icon({ d }: { d: string }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width={14} height={14} aria-hidden="true">
      <path d={d} />
    </svg>
  );
}

function Figure(props: { label: string; name: string; value: number; digits?: number }) {
  return (
    <div>
      <span class="term">{props.label}</span>
      <span class="value">
        <Num name={props.name} value={props.value} digits={props.digits} />
      </span>
    </div>
  );
}
