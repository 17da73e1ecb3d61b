// One neuron for a truth table: to be tried by hand, found, or proved impossible; then two layers.

import { Matrix, Named, Num } from "../../components/numbers.tsx";
import { Panel } from "../../components/panel.tsx";
import { Plane, type PlaneView } from "../../components/plane.tsx";
import { Count, Slider } from "../../components/slider.tsx";
import { Formula, M, type StationProps } from "../../components/station.tsx";
import { Word } from "../../components/word.tsx";
import { matrix, real, reals } from "../../protocol.ts";
import { sub } from "../../format.ts";
import { TruthTable } from "./table.tsx";
import { Tex } from "../stepper/tex.tsx";

interface OneView {
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
      title="Can one neuron do it?"
      class="w7"
      python={python}
      names={["table", "try_z", "try_h", "try_wrong"]}
      tools={
        <Count
          label="Inputs"
          value={w.length}
          low={2}
          high={4}
          onChange={(n) => act("resize", { n })}
        />
      }
    >
      <p class="note">
        Click the wanted column to change it; it starts as XOR. Try to find weights and a bias.
      </p>
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
            label="b, the bias"
            explain="circuits.b"
            value={settings.b}
            low={-5}
            high={5}
            step={0.1}
            onChange={(b) => set({ b })}
          />
          <TruthTable
            caption="The wanted table and the output of this neuron"
            inputs={inputs}
            rows={one.rows}
            columns={[
              {
                head: "wanted",
                name: (i) => `table.${i}`,
                values: table,
                onPress: (index) => act("toggle", { which: "table", index }),
                say: (i) => `Wanted for ${one.rows[i]?.join(" ")}: ${table[i]}; change it`,
              },
              { head: <M>w·x + b</M>, name: (i) => `try_z.${i}`, values: z },
              { head: <M>h</M>, name: (i) => `try_h.${i}`, values: h, bar: true, wrong },
            ]}
          />
        </div>
        <div>
          {one.plane && (
            <Plane
              title="The plane of the two inputs, shaded by the neuron"
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
            {missed ? "✕" : "✓"} <Num name="try_wrong" value={missed} /> of {table.length} rows wrong
          </p>
        </div>
      </div>
    </Panel>
  );
}

/** The neuron with the smallest integers, or the rows that contradict every neuron. */
export function Verdict({ view, set }: StationProps) {
  const { numbers, python } = view;
  const one = view.one as OneView;
  const possible = real(numbers.one_possible) === 1;
  const bits = one.rows[0]?.length ?? 2;
  const names = possible
    ? ["one_possible", "one_w", "one_b", "one_margin"]
    : ["one_possible", "contradiction_total"].concat(
        ["true", "false"].flatMap((side) =>
          ["", "_z", "_sum"].map((part) => `contradiction_${side}${part}`),
        ),
      );
  if (possible) {
    const w = reals(numbers.one_w);
    const b = real(numbers.one_b);
    return (
      <Panel title="The answer: yes" class="w5" python={python} names={names}>
        <p>
          One neuron computes this table (<Num name="one_possible" value={1} />
          ). A linear program finds it; no smaller integers work.
        </p>
        <Matrix
          name="one_w"
          caption="w"
          vector
          columns={w.map((_, i) => `w${sub(i)}`)}
          values={[w]}
        />
        <Named name="one_b" value={b}>
          b
        </Named>
        <Named name="one_margin" value={real(numbers.one_margin)} note="the smallest |w·x + b|">
          <Word>margin</Word>
        </Named>
        <button class="primary" onClick={() => set({ w, b })}>
          Take these weights
        </button>
      </Panel>
    );
  }
  const side = (which: "true" | "false", wanted: number) => {
    const rows = matrix(numbers[`contradiction_${which}`]);
    const z = reals(numbers[`contradiction_${which}_z`]);
    return (
      <table class="proof">
        <caption>
          must give {wanted}: <M>w·x + b {wanted ? "> 0" : "≤ 0"}</M>
        </caption>
        <thead>
          <tr>
            <th scope="col">times</th>
            {Array.from({ length: bits }, (_, i) => (
              <th scope="col">x{sub(i)}</th>
            ))}
            <th scope="col">your w·x + b</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr>
              {row.map((value, j) => (
                <td>
                  <Num name={`contradiction_${which}.${i}.${j}`} value={value} />
                </td>
              ))}
              <td>
                <Num name={`contradiction_${which}_z.${i}`} value={z[i] ?? NaN} />
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">sum</th>
            {reals(numbers.contradiction_total).map((value, j) => (
              <td>
                <Num name={`contradiction_total.${j}`} value={value} />
              </td>
            ))}
            <td class="strong">
              <Num
                name={`contradiction_${which}_sum`}
                value={real(numbers[`contradiction_${which}_sum`])}
              />
            </td>
          </tr>
        </tfoot>
      </table>
    );
  };
  return (
    <Panel title="The answer: no" class="w5" python={python} names={names}>
      <p>
        No single neuron computes this table (<Num name="one_possible" value={0} />
        ). These rows prove it:
      </p>
      {side("true", 1)}
      {side("false", 0)}
      <p>
        Both lists have equally many rows, and their <M>x</M> add up to the same sum. So{" "}
            <M>w·x + b</M> adds up to <strong>the same number</strong> over both lists, for any <M>w</M>{" "}
            and <M>b</M>: move the sliders to see it. But the sum would have to be above 0 over the first
            list, and not above 0 over the second.
      </p>
    </Panel>
  );
}

/** The same table with a hidden layer: an AND unit for each group of rows, then OR. */
export function Hidden({ settings, view }: StationProps) {
  const { numbers, python } = view;
  const { sizes, space } = view.hidden as { sizes: number[]; space: PlaneView | null };
  const one = view.one as OneView;
  const table = reals(numbers.table);
  const y = reals(numbers.hidden_y);
  const two = sizes.length > 2;
  const h = matrix(numbers.hidden_h1);
  const inputs = (settings.w as number[]).map((_, i) => `x${sub(i)}`);
  const units = (h[0] ?? []).map((_, j) => `h${sub(j)}`);
  const names = ["table", ...Object.keys(numbers).filter((name) => name.startsWith("hidden_"))];
  return (
    <Panel title="With a hidden layer: always" class="w12" python={python} names={names}>
      <div class={space ? "split top-aligned" : ""}>
        <div>
          <Formula>
            {two ? (
              <>
                h = σ(W<sup>(1)</sup> x + b<sup>(1)</sup>), ŷ = σ(W<sup>(2)</sup> h + b
                <sup>(2)</sup>)
              </>
            ) : (
              <>
                ŷ = σ(W<sup>(1)</sup> x + b<sup>(1)</sup>)
              </>
            )}
          </Formula>
          <p class="note">
            {two
              ? "Each hidden unit is an AND of inputs or their negations; the output unit is the OR of the hidden units. The weights include the gain."
              : "This table needs no hidden layer. The weights include the gain."}
          </p>
          <div class="row">
            {sizes.slice(1).map((_, l) => (
              <>
                <Matrix
                  name={`hidden_W${l + 1}`}
                  caption={<Tex>{`W⁽${"¹²³⁴"[l]}⁾`}</Tex>}
                  values={matrix(numbers[`hidden_W${l + 1}`])}
                  shade
                />
                <Matrix
                  name={`hidden_b${l + 1}`}
                  caption={<Tex>{`b⁽${"¹²³⁴"[l]}⁾`}</Tex>}
                  vector
                  values={reals(numbers[`hidden_b${l + 1}`]).map((value) => [value])}
                  shade
                />
              </>
            ))}
          </div>
          <TruthTable
            caption="The two layers on all rows"
            inputs={inputs}
            rows={one.rows}
            columns={[
              ...(two
                ? units.map((unit, j) => ({
                    head: <M>{unit}</M>,
                    name: (i: number) => `hidden_h1.${i}.${j}`,
                    values: h.map((row) => row[j] ?? NaN),
                    bar: units.length <= 3,
                  }))
                : []),
              { head: <M>ŷ</M>, name: (i) => `hidden_y.${i}`, values: y, bar: true },
              { head: "wanted", name: (i) => `table.${i}`, values: table },
            ]}
          />
        </div>
        <div>
          {space && (
            <>
              <Plane
                title="The plane of the two hidden units, shaded by the output unit"
                plane={space}
                xLabel="h₁"
                yLabel="h₂"
                points={distinct(h, table, one.rows)}
              />
              <p class="note">
                In the plane of <M>h₁</M> and <M>h₂</M> one line is enough: the hidden layer has moved
                the points.
              </p>
            </>
          )}
          <Named name="hidden_error" value={real(numbers.hidden_error)} note="in this table">
            <Word>largest error</Word>
          </Named>
          <Named
            name="hidden_certified"
            value={real(numbers.hidden_certified)}
            note="proved, rounding included"
          >
            <Word>bound</Word>
          </Named>
        </div>
      </div>
    </Panel>
  );
}

/** Points of the hidden plane; rows at the same point share one label. */
function distinct(h: number[][], table: number[], rows: number[][]) {
  const points: { x: number; y: number; label: string; one: boolean }[] = [];
  h.forEach(([x = 0, y = 0], i) => {
    const label = rows[i]?.join(" ") ?? "";
    const near = points.find((p) => Math.abs(p.x - x) + Math.abs(p.y - y) < 0.06);
    if (near && near.one === (table[i] === 1)) near.label += `, ${label}`;
    else points.push({ x, y, label, one: table[i] === 1 });
  });
  return points;
}
