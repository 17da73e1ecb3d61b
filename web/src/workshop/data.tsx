// The data: a classic set, points that are drawn, or a table that never leaves the machine.

import { useRef } from "preact/hooks";
import { Panel } from "../components/panel.tsx";
import { Explain } from "../components/explain.tsx";
import { Choice, Setting } from "../components/slider.tsx";
import type { StationProps } from "../components/station.tsx";
import { INPUTS } from "../model/workshop/features.ts";
import { t } from "../text.ts";
import { useLive } from "./live.ts";
import { Seed } from "./settings.tsx";

export function DataPanel({ settings, info, set, store }: StationProps) {
  useLive(store.live, 300);
  const kind = settings.data as string;
  const classic = kind !== "drawn" && kind !== "curve" && kind !== "table";
  const inPlane = kind !== "curve" && kind !== "table" && kind !== "wave";
  const control = (name: string) => (
    <Setting
      key={name}
      of={info.settings[name]!}
      value={settings[name]}
      onChange={(value) => set({ [name]: value })}
    />
  );
  const file = useRef<HTMLInputElement>(null);
  const choose = (to: string) => {
    if (to === "table" && !store.table.columns.length) file.current?.click();
    else if (to === "table") set({ data: to, target: settings.target || store.table.columns.at(-1) });
    else if (to === "drawn" && !settings.points.length) set({ data: to, points: FIRST_POINTS });
    else if (to === "curve" && !settings.targets.length) set({ data: to, targets: FIRST_TARGETS });
    else set({ data: to });
  };
  const load = async (list: FileList | null) => {
    const chosen = list?.[0];
    if (!chosen) return;
    const bytes = new Uint8Array(await chosen.arrayBuffer());
    await store.ask("load_table", { name: chosen.name }, bytes);
    if (file.current) file.current.value = "";
  };
  return (
    <Panel title={t("Data")}>
      <div
        class="compact"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          void load(event.dataTransfer?.files ?? null);
        }}
      >
        <Choice
          label={t("Data")}
          explain="workshop.data"
          value={kind}
          options={info.settings.data!.options}
          onChange={choose}
        />
        {classic && control("n")}
        {classic && control("noise")}
        {["circles", "blobs", "spirals"].includes(kind) && control("classes")}
        {control("test_share")}
        <Seed of="data_seed" {...{ settings, info, set }} />
        {kind === "drawn" && (
          <div class="with-button">
            <span class="note">
              {t("{n} points: place them in the plot.", { n: settings.points.length })}{" "}
              {settings.test_share
                ? t("A share of them is held out for testing.")
                : t("All are for training; raise the test share to hold some out.")}
            </span>
            <button class="small" onClick={() => set({ points: FIRST_POINTS })}>
              {t("Clear")}
            </button>
          </div>
        )}
        {kind === "curve" && (
          <div class="with-button">
            <span class="note">{t("{n} targets: place them in the plot.", { n: settings.targets.length })}</span>
            <button class="small" onClick={() => set({ targets: FIRST_TARGETS })}>
              {t("Clear")}
            </button>
          </div>
        )}
        {inPlane && info.settings.inputs && <Inputs {...{ settings, set }} />}
        {kind === "table" && <TableControls {...{ settings, info, set, store }} />}
        <div class="with-button">
          <button class="small" onClick={() => file.current?.click()}>
            {t("Load a CSV file…")}
          </button>
          <input
            ref={file}
            class="hidden"
            type="file"
            accept=".csv,.tsv,.txt,text/csv"
            tabIndex={-1}
            aria-label={t("CSV file")}
            onChange={(event) => void load(event.currentTarget.files)}
          />
        </div>
        <p class="note">{t("It is read on this machine and not sent anywhere else.")}</p>
      </div>
    </Panel>
  );
}

/** A training set must not be empty: start with one point per class. */
const FIRST_POINTS = [
  [-1, 0, 0],
  [1, 0, 1],
];

const FIRST_TARGETS = [
  [-2, -0.5],
  [0, 0.5],
  [2, -0.5],
];

/** What the network gets of a point. */
function Inputs({ settings, set }: Pick<StationProps, "settings" | "set">) {
  const chosen = settings.inputs as string[];
  return (
    <fieldset class="inputs">
      <legend>
        {t("Inputs")} <Explain of="workshop.inputs" label={t("Inputs")} />
      </legend>
      {Object.entries(INPUTS).map(([name, title]) => (
        <label class="option">
          <input
            type="checkbox"
            checked={chosen.includes(name)}
            disabled={chosen.length === 1 && chosen[0] === name}
            onChange={(event) => {
              const on = event.currentTarget.checked;
              set({ inputs: Object.keys(INPUTS).filter((k) => (k === name ? on : chosen.includes(k))) });
            }}
          />
          <span class="math">{title}</span>
        </label>
      ))}
    </fieldset>
  );
}

function TableControls(props: Pick<StationProps, "settings" | "info" | "set" | "store">) {
  const { settings, info, set, store } = props;
  const kinds = Object.fromEntries(settings.kinds as [string, string][]);
  const columns = store.live.data?.columns ?? [];
  const options = info.settings.kinds!.each.options;
  const leftOut = columns.filter(([, , words]) => words.startsWith(t("left out:")));
  return (
    <>
      <Choice
        label={t("Target")}
        explain="workshop.target"
        value={settings.target}
        options={Object.fromEntries(store.table.columns.map((name) => [name, name]))}
        onChange={(target) => set({ target })}
      />
      <Choice
        label={t("Scaling")}
        explain="workshop.scaling"
        value={settings.scaling}
        options={info.settings.scaling!.options}
        onChange={(scaling) => set({ scaling })}
      />
      {(store.table.notes ?? []).map((note) => (
        <p class="note">{note}</p>
      ))}
      {leftOut.length > 0 && (
        <p class="note">
          {t("Left out so that the inputs fit: {names}. Choose a kind below to bring a column back.", {
            names: leftOut.map(([name]) => name).join(", "),
          })}
        </p>
      )}
      <details open={leftOut.length > 0}>
        <summary>
          {t("{table}: {n} columns", { table: store.table.name, n: columns.length })}
        </summary>
        <table class="columns">
          <tbody>
            {columns.map(([name, kind, words], i) => (
              <tr key={name}>
                <th scope="row">
                  {name}
                </th>
                <td>
                  {i === 0 ? (
                    <span class="note">{t("target: {kind}", { kind: kind === "classes" ? t("classes") : t("quantity") })}</span>
                  ) : (
                    <Choice
                      bare
                      label={t("Kind of {name}", { name })}
                      value={kind}
                      options={options}
                      onChange={(to) =>
                        set({ kinds: Object.entries({ ...kinds, [name]: to }) })
                      }
                    />
                  )}
                  <div class="note">{words}</div>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}
