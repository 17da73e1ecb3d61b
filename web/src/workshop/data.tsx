// The data: a classic set, points that are drawn, or a table that never leaves the machine.

import { useRef } from "preact/hooks";
import { Panel } from "../components/panel.tsx";
import { Choice, Setting } from "../components/slider.tsx";
import type { StationProps } from "../components/station.tsx";
import { useLive } from "./live.ts";
import { Seed } from "./settings.tsx";

export function DataPanel({ settings, info, set, store }: StationProps) {
  useLive(store.live, 300);
  const kind = settings.data as string;
  const classic = kind !== "drawn" && kind !== "table";
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
    <Panel title="Data">
      <div
        class="compact"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          void load(event.dataTransfer?.files ?? null);
        }}
      >
        <Choice
          label="Data"
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
            <span class="note">{settings.points.length} points: place them in the plot.</span>
            <button class="small" onClick={() => set({ points: FIRST_POINTS })}>
              Clear
            </button>
          </div>
        )}
        {kind === "table" && <TableControls {...{ settings, info, set, store }} />}
        <div class="with-button">
          <button class="small" onClick={() => file.current?.click()}>
            Load a CSV file…
          </button>
          <input
            ref={file}
            class="hidden"
            type="file"
            accept=".csv,.tsv,.txt,text/csv"
            tabIndex={-1}
            aria-label="CSV file"
            onChange={(event) => void load(event.currentTarget.files)}
          />
        </div>
        <p class="note">It is read on this machine and not sent anywhere else.</p>
      </div>
    </Panel>
  );
}

/** A training set must not be empty: start with one point per class. */
const FIRST_POINTS = [
  [-1, 0, 0],
  [1, 0, 1],
];

function TableControls(props: Pick<StationProps, "settings" | "info" | "set" | "store">) {
  const { settings, info, set, store } = props;
  const kinds = Object.fromEntries(settings.kinds as [string, string][]);
  const columns = store.live.data?.columns ?? [];
  const options = info.settings.kinds!.each.options;
  return (
    <>
      <Choice
        label="Target"
        value={settings.target}
        options={Object.fromEntries(store.table.columns.map((name) => [name, name]))}
        onChange={(target) => set({ target })}
      />
      <Choice
        label="Scaling"
        value={settings.scaling}
        options={info.settings.scaling!.options}
        onChange={(scaling) => set({ scaling })}
      />
      <details>
        <summary>
          {store.table.name}: {columns.length} columns
        </summary>
        <table class="columns">
          <tbody>
            {columns.map(([name, kind, words], i) => (
              <tr key={name}>
                <th scope="row" title={words}>
                  {name}
                </th>
                <td>
                  {i === 0 ? (
                    <span class="note">target: {kind}</span>
                  ) : (
                    <Choice
                      bare
                      label={`Kind of ${name}`}
                      value={kind}
                      options={options}
                      onChange={(to) =>
                        set({ kinds: Object.entries({ ...kinds, [name]: to }) })
                      }
                    />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}
