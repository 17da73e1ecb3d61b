// What every station gets, and the frame around it.

import type { ComponentChildren } from "preact";
import type { Settings, StationInfo, View } from "../protocol.ts";
import { t } from "../text.ts";
import type { Store } from "../store.ts";

export interface StationProps {
  /** The settings shown by the controls; change them with `set`. */
  settings: Settings;
  /** The model's results: numbers by name, the program, and the drawings. */
  view: View;
  info: StationInfo;
  set: (changes: Settings) => void;
  /** An action of the station's model, by name. */
  act: (name: string, given: object) => void;
  store: Store;
}

/** Title, the slide's formula, presets. `children`: the panels, in a grid of 12 columns. */
export function StationFrame(props: {
  info: StationInfo;
  store: Store;
  intro: ComponentChildren;
  children: ComponentChildren;
}) {
  const { info, store, intro, children } = props;
  return (
    <>
      <div class="intro">
        <div>
          <h1>{t(info.title)}</h1>
          <p>{intro}</p>
          <p class="slides note">{t("Slides: {title}", { title: t(info.slides) })}</p>
        </div>
        <Presets info={info} store={store} />
      </div>
      <div class="grid">{children}</div>
    </>
  );
}

export function Presets({ info, store }: { info: StationInfo; store: Store }) {
  return (
    <div class="presets" role="group" aria-label={t("Presets")}>
      {info.presets.map((title) => (
        <button class="chip" onClick={() => void store.ask("preset", { title })}>
          {t(title)}
        </button>
      ))}
    </div>
  );
}

/** A symbol of the lecture, in the type of formulas. */
export function M({ children }: { children: ComponentChildren }) {
  return <span class="math">{children}</span>;
}

/** A formula on a separate line. */
export function Formula({ children }: { children: ComponentChildren }) {
  return <div class="formula math">{children}</div>;
}
