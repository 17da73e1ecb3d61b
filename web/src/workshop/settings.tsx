// The workshop's settings beside the data: layers above the drawing, training, regularisation.

import { Panel } from "../components/panel.tsx";
import { Choice, Setting } from "../components/slider.tsx";
import type { StationProps } from "../components/station.tsx";
import { t } from "../text.ts";

type Part = Pick<StationProps, "settings" | "info" | "set">;

/** Slider bounds, narrower than the allowed range; the boxes accept all of it. */
const SHOWN: Record<string, [number, number]> = {
  learning_rate: [1e-4, 10],
  l1: [0, 0.1],
  l2: [0, 0.1],
  weight_decay: [0, 0.1],
  batch_size: [1, 200],
};

export function TrainingPanel({ settings, info, set }: Part) {
  const control = (name: string, disabled = false) => (
    <Setting
      key={name}
      of={info.settings[name]!}
      value={settings[name]}
      low={SHOWN[name]?.[0]}
      high={SHOWN[name]?.[1]}
      disabled={disabled}
      onChange={(value) => set({ [name]: value })}
    />
  );
  return (
    <Panel title={t("Learning")}>
      <div class="compact">
        {control("output")}
        {control("optimizer")}
        {control("learning_rate")}
        {control("momentum", settings.optimizer !== "sgd")}
        {control("batch_size")}
        {control("l1")}
        {control("l2")}
        {control("weight_decay")}
        {control("dropout")}
        {control("initializer")}
        <Seed of="seed" {...{ settings, info, set }} />
      </div>
      <p class="note">
        {t("A new optimiser, learning rate, batch size or penalty continues from the current weights; other changes restart.")}
      </p>
    </Panel>
  );
}

export function Seed({ of, settings, info, set }: Part & { of: string }) {
  return (
    <div class="with-button">
      <Setting
        box
        of={info.settings[of]!}
        value={settings[of]}
        onChange={(value) => set({ [of]: value })}
      />
      <button
        class="small"
        aria-label={t("{label}: new seed", { label: t(info.settings[of]!.label) })}
        onClick={() => set({ [of]: (settings[of] + 1) % 2 ** 32 })}
      >
        {t("new seed")}
      </button>
    </div>
  );
}

/** Units and activation of each hidden layer. */
export function LayerControls({ settings, info, set }: Part) {
  const hidden = settings.hidden as number[];
  const names = settings.activation as string[];
  const all = hidden.map((_, i) => names[Math.min(i, names.length - 1)]!);
  const options = info.settings.activation!.each.options;
  const units = (i: number, n: number) => set({ hidden: hidden.map((old, k) => (k === i ? n : old)) });
  const most = info.settings.hidden!.most;
  return (
    <div class="layers" role="group" aria-label={t("Hidden layers")}>
      {hidden.map((n, i) => (
        <div class="layer" role="group" aria-label={t("Hidden layer {layer}", { layer: i + 1 })}>
          <span class="math">
            h<sup>({i + 1})</sup>
          </span>
          <button
            class="step"
            aria-label={t("Layer {layer}: one unit less", { layer: i + 1 })}
            disabled={n <= 1}
            onClick={() => units(i, n - 1)}
          >
            −
          </button>
          <span class="n">{n}</span>
          <button
            class="step"
            aria-label={t("Layer {layer}: one unit more", { layer: i + 1 })}
            disabled={n >= 16}
            onClick={() => units(i, n + 1)}
          >
            +
          </button>
          <Choice
            bare
            label={t("Activation of layer {layer}", { layer: i + 1 })}
            explain={i ? undefined : "workshop.activation"}
            value={all[i]!}
            options={options}
            onChange={(name) => set({ activation: all.map((old, k) => (k === i ? name : old)) })}
          />
        </div>
      ))}
      <div class="layer">
        <button
          class="small"
          disabled={hidden.length === 0}
          onClick={() =>
            set({
              hidden: hidden.slice(0, -1),
              activation: all.length > 1 ? all.slice(0, -1) : names.slice(0, 1),
            })
          }
        >
          {t("− layer")}
        </button>
        <button
          class="small"
          disabled={hidden.length >= most}
          onClick={() =>
            set({ hidden: [...hidden, hidden.at(-1) ?? 4], activation: [...all, all.at(-1) ?? "tanh"] })
          }
        >
          {t("+ layer")}
        </button>
      </div>
    </div>
  );
}
