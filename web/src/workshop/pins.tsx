// Runs that were pinned, to compare; each is a link that leads back to it.

import { Scroll } from "../components/scroll.tsx";
import { CopyPython } from "../components/copy.tsx";
import { Num } from "../components/numbers.tsx";
import { OF_DATA } from "../model/workshop/settings.ts";
import { real, type Numbers, type Settings } from "../protocol.ts";
import { recall, remember as keep } from "../storage.ts";
import type { Store } from "../store.ts";
import { t } from "../text.ts";

export interface Pin {
  number: number;
  /** The settings of its data: it is compared with runs on the same data only. */
  data: string;
  title: string;
  link: string;
  python: string;
  numbers: Numbers;
  curve: Float64Array[];
}

const KEY = "pins";
const MOST = 20;

/** The data of settings as a text, to compare. */
export function dataOf(settings: Settings): string {
  return JSON.stringify(OF_DATA.map((name) => settings[name]));
}

/** The pins of the last visit. */
export function remembered(): Pin[] {
  try {
    const pins = JSON.parse(recall(KEY) ?? "[]") as (Omit<Pin, "curve"> & { curve: number[][] })[];
    return pins.map((pin) => ({ ...pin, curve: pin.curve.map((row) => Float64Array.from(row, Number)) }));
  } catch {
    return [];
  }
}

export function remember(pins: Pin[]): void {
  const plain = pins.slice(-MOST).map((pin) => ({ ...pin, curve: pin.curve.map((row) => [...row]) }));
  keep(
    KEY,
    JSON.stringify(plain, (_, v) => (typeof v === "number" && !Number.isFinite(v) ? String(v) : v)),
  );
}

const SHOWN = ["epoch", "loss.train", "loss.test", "score.train", "score.test"];
const headers = (): Record<string, string> => ({
  epoch: t("epoch"),
  "loss.train": t("ℒ train"),
  "loss.test": t("ℒ test"),
  "score.train": t("score train"),
  "score.test": t("score test"),
});

/** Pin the current run. */
export async function pinned(store: Store, part: string, number: number): Promise<Pin | null> {
  await store.ask("pause");
  const reply = await store.ask("python", { panel: "training", part });
  const { frame, data } = store.live;
  const settings = store.state?.settings;
  if (!reply || !frame || !data || !settings) return null;
  const layers = data.sizes.join("–");
  return {
    number,
    data: dataOf(settings),
    title: `${settings.data} ${layers}, ${settings.optimizer} ${settings.learning_rate}`,
    link: reply.link,
    python: reply.python,
    numbers: frame.numbers,
    curve: frame.curve.map((row) => row.slice()),
  };
}

export function Pins({ store, pins, drop }: { store: Store; pins: Pin[]; drop: (pin: Pin) => void }) {
  if (!pins.length)
    return <p class="note">{t("Pin a run, change something and train again: both runs appear here and in the curves.")}</p>;
  return (
    <Scroll label={t("Pinned runs")}>
      <table class="pins">
        <thead>
          <tr>
            <th scope="col">{t("run")}</th>
            {SHOWN.map((name) => (
              <th scope="col">{headers()[name]}</th>
            ))}
            <th scope="col">
              <span class="hidden">{t("actions")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {pins.map((pin) => (
            <tr key={pin.number}>
              <th scope="row">
                <i class="swatch" style={{ background: `var(--class-${pin.number % 6})` }} />
                {pin.number}: {pin.title}
              </th>
              {SHOWN.map((name) => (
                <td>
                  {name in pin.numbers && (
                    <Num name={`pin${pin.number}.${name}`} value={real(pin.numbers[name])} />
                  )}
                </td>
              ))}
              <td class="row">
                <button
                  class="small"
                  aria-label={t("Go back to run {n}", { n: pin.number })}
                  onClick={() => void store.ask("open", { link: pin.link })}
                >
                  {t("go back")}
                </button>
                <CopyPython python={pin.python} title={t("Run {n}", { n: pin.number })} />
                <button class="small" aria-label={t("Unpin run {n}", { n: pin.number })} onClick={() => drop(pin)}>
                  ✕
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
