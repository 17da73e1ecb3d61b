// One neuron for a truth table, tried by hand.

import { useState } from "preact/hooks";
import { Num } from "../../components/numbers.tsx";
import { Panel } from "../../components/panel.tsx";
import { Plane, type PlaneView } from "../../components/plane.tsx";
import { Count, Slider, useId } from "../../components/slider.tsx";
import { M, type StationProps } from "../../components/station.tsx";
import { sub } from "../../format.ts";
import { real, reals } from "../../protocol.ts";
import { t } from "../../text.ts";
import { TruthTable } from "./table.tsx";

export interface OneView {
  rows: number[][];
  true: [number, number][];
  false: [number, number][];
  plane: PlaneView | null;
}

/** Your own weights against the wanted table. */
export function Try({ settings, view, set, act }: StationProps) {
  const { numbers, python } = view;
  const one = view.one as OneView;
  const w = settings.w as number[];
  const z = reals(numbers.try_z);
  const h = reals(numbers.try_h);
  const table = reals(numbers.table);
  const wrong = (i: number) => (z[i] ?? 0) > 0 !== (table[i] === 1);
  const inputs = w.map((_, i) => `x${sub(i)}`);
  const missed = real(numbers.try_wrong);
  return (
    <Panel
      title={t("Can one neuron do it?")}
      class="w7"
      python={python}
      names={["table", "try_z", "try_h", "try_wrong"]}
      tools={
        <Count
          label={t("Inputs")}
          value={w.length}
          low={2}
          high={4}
          onChange={(n) => act("resize", { n })}
        />
      }
    >
      <p class="note">
        {t("Click the wanted outputs to change them. Then look for weights and a bias.")}
      </p>
      <Wanted act={act} />
      <div class={one.plane ? "split top-aligned" : ""}>
        <div>
          {w.map((value, i) => (
            <Slider
              key={i}
              label={`w${sub(i)}`}
              explain={i ? undefined : "circuits.w"}
              value={value}
              low={-3}
              high={3}
              step={0.1}
              onChange={(to) => set({ w: w.map((old, k) => (k === i ? to : old)) })}
            />
          ))}
          <Slider
            label={t("b, the bias")}
            explain="circuits.b"
            value={settings.b}
            low={-5}
            high={5}
            step={0.1}
            onChange={(b) => set({ b })}
          />
          <TruthTable
            caption={t("The wanted table and the output of this neuron")}
            inputs={inputs}
            rows={one.rows}
            columns={[
              {
                head: t("wanted"),
                name: (i) => `table.${i}`,
                values: table,
                onPress: (index) => act("toggle", { which: "table", index }),
                say: (i) =>
                  t("Wanted for {bits}: {bit}; change it", {
                    bits: one.rows[i]!.join(" "),
                    bit: table[i]!,
                  }),
              },
              { head: <M>w·x + b</M>, name: (i) => `try_z.${i}`, values: z },
              { head: <M>h</M>, name: (i) => `try_h.${i}`, values: h, bar: true, wrong },
            ]}
          />
        </div>
        <div>
          {one.plane && (
            <Plane
              title={t("The plane of the two inputs, shaded by the neuron")}
              plane={one.plane}
              xLabel="x₁"
              yLabel="x₂"
              points={one.rows.map((bits, i) => ({
                x: bits[0] ?? 0,
                y: bits[1] ?? 0,
                label: bits.join(" "),
                one: table[i] === 1,
                wrong: wrong(i),
              }))}
            />
          )}
          <p class={`verdict ${missed ? "" : "good"}`} role="status">
            {missed ? "✕" : "✓"} <Num name="try_wrong" value={missed} />{" "}
            {t("of {n} rows wrong", { n: table.length })}
          </p>
        </div>
      </div>
    </Panel>
  );
}

/** The wanted outputs as an expression; Enter applies it. */
function Wanted({ act }: { act: StationProps["act"] }) {
  const id = useId();
  const [text, setText] = useState("");
  return (
    <form
      class="wanted"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) act("want", { expression: text });
      }}
    >
      <label for={id}>{t("or as an expression")}</label>
      <input
        id={id}
        type="text"
        spellcheck={false}
        autocomplete="off"
        maxLength={200}
        placeholder="a & !b | c"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit">{t("Set")}</button>
    </form>
  );
}
