// The wanted table with a hidden layer: an AND unit for each group of rows, then OR.

import { Matrix, Named } from "../../components/numbers.tsx";
import { Panel } from "../../components/panel.tsx";
import { Plane, type PlaneView } from "../../components/plane.tsx";
import { Rich } from "../../components/rich.tsx";
import { Formula, M, type StationProps } from "../../components/station.tsx";
import { Word } from "../../components/word.tsx";
import { sub } from "../../format.ts";
import { matrix, type Numbers, real, reals } from "../../protocol.ts";
import { t } from "../../text.ts";
import { Tex } from "../stepper/tex.tsx";
import { TruthTable } from "./table.tsx";
import type { OneView } from "./try.tsx";

export function Hidden({ settings, view }: StationProps) {
  const { numbers, python } = view;
  const { sizes, space } = view.hidden as { sizes: number[]; space: PlaneView | null };
  const one = view.one as OneView;
  const table = reals(numbers.table);
  const two = sizes.length > 2;
  const h = matrix(numbers.hidden_h1);
  const units = (h[0] ?? []).map((_, j) => `h${sub(j)}`);
  const names = ["table", ...Object.keys(numbers).filter((name) => name.startsWith("hidden_"))];
  return (
    <Panel title={t("With a hidden layer: always")} class="w12" python={python} names={names}>
      <div class={space ? "split top-aligned" : ""}>
        <div>
          <Formula>
            {two && (
              <>
                h = σ(W<sup>(1)</sup> x + b<sup>(1)</sup>),{" "}
              </>
            )}
            ŷ = σ(W<sup>({two ? 2 : 1})</sup> {two ? "h" : "x"} + b<sup>({two ? 2 : 1})</sup>)
          </Formula>
          <p class="note">
            {two
              ? t(
                  "Each hidden unit is an AND of inputs or their negations; the output unit is the OR of the hidden units. The weights include the gain.",
                )
              : t("This table needs no hidden layer. The weights include the gain.")}
          </p>
          <Layers sizes={sizes} numbers={numbers} />
          <TruthTable
            caption={t("The layers on all rows")}
            inputs={(settings.w as number[]).map((_, i) => `x${sub(i)}`)}
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
              {
                head: <M>ŷ</M>,
                name: (i) => `hidden_y.${i}`,
                values: reals(numbers.hidden_y),
                bar: true,
              },
              { head: t("wanted"), name: (i) => `table.${i}`, values: table },
            ]}
          />
        </div>
        <div>
          {space && (
            <>
              <Plane
                title={t("The plane of the two hidden units, shaded by the output unit")}
                plane={space}
                xLabel="h₁"
                yLabel="h₂"
                points={distinct(h, table, one.rows)}
              />
              <p class="note">
                <Rich
                  text={t(
                    "In the plane of *h₁* and *h₂* one line is enough: the hidden layer has moved the points.",
                  )}
                />
              </p>
            </>
          )}
          <Named name="hidden_error" value={real(numbers.hidden_error)} note={t("in this table")}>
            <Word>{t("largest error")}</Word>
          </Named>
          <Named
            name="hidden_certified"
            value={real(numbers.hidden_certified)}
            note={
              real(numbers.hidden_certified) < 0.5
                ? t("proved, rounding included")
                : t("not below ½: nothing is proved at this gain")
            }
          >
            <Word>{t("bound")}</Word>
          </Named>
        </div>
      </div>
    </Panel>
  );
}

/** W and b of each layer. */
function Layers({ sizes, numbers }: { sizes: number[]; numbers: Numbers }) {
  return (
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
