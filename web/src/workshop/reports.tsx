// What the network gets wrong, how sure it is, its layers, and what is the matter with it.

import { Scroll } from "../components/scroll.tsx";
import { useEffect, useState } from "preact/hooks";
import { colour } from "../components/theme.tsx";
import { extent } from "../model/workshop/pictures.ts";
import { Matrix, Num } from "../components/numbers.tsx";
import { short } from "../format.ts";
import type { Dataset, Origin } from "../model/workshop/datasets.ts";
import { matrix, real, reals, type Numbers } from "../protocol.ts";
import type { Store } from "../store.ts";
import { t } from "../text.ts";
import { LowerRate } from "./transport.tsx";
import { Field } from "./field.tsx";
import { classColour } from "./heat.ts";
import type { DataSet } from "./live.ts";
import { drawDot, Mark } from "./marks.tsx";

export interface Report {
  part: string;
  numbers: Numbers;
  activations: string[];
  findings: Finding[];
  /** What could not be judged, in words. */
  unjudged?: string[];
  residuals: { y_hat?: number[]; t?: number[] };
}

interface Finding {
  code: string;
  severity: string;
  layer: number | null;
  message: string;
  evidence: Record<string, number | string>;
  advice: string;
}

const PAUSE = 400; // milliseconds between two reports while training

/** The current report, updated at each stop and now and then during training. */
export function useReport(store: Store, part: string): Report | null {
  const [report, setReport] = useState<Report | null>(null);
  useEffect(() => {
    let busy = false;
    let again = false;
    let gone = false;
    let timer = 0;
    const ask = async () => {
      if (busy) {
        again = true;
        return;
      }
      busy = true;
      again = false;
      try {
        const reply = await store.session.ask("report", { part });
        if (!gone) setReport(reply.report as Report);
      } catch {
        // the station was left
      }
      busy = false;
      if (again) timer = window.setTimeout(() => void ask(), store.live.frame?.training ? PAUSE : 0);
    };
    const off = store.live.subscribe(() => {
      if (!store.live.frame || store.live.frame.replaying) return;
      void ask();
    });
    void ask();
    return () => {
      gone = true;
      window.clearTimeout(timer);
      off();
    };
  }, [store, part]);
  return report;
}

export function Errors({ report, data }: { report: Report; data: DataSet }) {
  const counts = matrix(report.numbers.confusion);
  if (!data.n_classes) return <Residuals report={report} data={data} />;
  if (!counts.length) return null;
  return (
    <>
      <Matrix
        name="confusion"
        caption={t("rows: true class; columns: predicted class")}
        rows={data.labels}
        columns={data.labels}
        values={counts}
        picked={(i, j) => (i === j ? "right" : counts[i]![j] ? "wrong" : "")}
      />
    </>
  );
}

function Residuals({ report, data }: { report: Report; data: DataSet }) {
  const { y_hat = [], t: targets = [] } = report.residuals;
  const [low, high] = extent([Float64Array.from(y_hat, Number), Float64Array.from(targets, Number)], 1, 0);
  const margin = 0.05 * (high - low) || 1;
  const unit = data.bench.dataset.origin;
  const domain = [low - margin, high + margin, low - margin, high + margin] as const;
  return (
    <div class="plot">
      <p>
        R² = <Num name="r2" value={real(report.numbers.r2)} />
      </p>
      <Field
        domain={domain}
        names={["ŷ", "t"]}
        units={unit && [unit, unit]}
        label={t("Targets t against the outputs ŷ")}
        listen={still}
        paint={({ context, px, py, width }) => {
          drawDiagonal(context, width);
          for (const [i, target] of targets.entries()) {
            const style = { size: 3 };
            drawDot(context, px(Number(y_hat[i])), py(Number(target)), 0, colour(report.part), style, false);
          }
        }}
      />
      <p class="note">{t("On the line, ŷ = t.")}</p>
    </div>
  );
}

const still = () => () => {};

function drawDiagonal(context: CanvasRenderingContext2D, width: number): void {
  context.strokeStyle = colour("edge");
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(0, width);
  context.lineTo(width, 0);
  context.stroke();
}

export function Calibration({ report, data }: { report: Report; data: DataSet }) {
  const mean = matrix(report.numbers["calibration.mean"]);
  const share = matrix(report.numbers["calibration.share"]);
  const ece = reals(report.numbers["calibration.ece"]);
  if (!mean.length)
    return <p class="note">{t("Only for outputs that are probabilities: logistic and softmax.")}</p>;
  const first = mean.length === 1 ? 1 : 0;
  return (
    <div class="calibration plot">
      <Field
        domain={[0, 1, 0, 1]}
        names={["ŷ", t("observed frequency")]}
        label={t("Calibration: observed frequency against ŷ")}
        listen={still}
        paint={({ context, px, py, width }) => {
          drawDiagonal(context, width);
          mean.forEach((bins, k) => {
            const own = classColour(k + first);
            context.beginPath();
            bins.forEach((m, i) => context.lineTo(px(m), py(share[k]![i]!)));
            context.strokeStyle = own;
            context.lineWidth = 1.5;
            context.stroke();
            bins.forEach((m, i) => drawDot(context, px(m), py(share[k]![i]!), k + first, own, { size: 3.5 }, false));
          });
        }}
      />
      <ul class="plain">
        {ece.map((value, k) => (
          <li>
            <Mark k={k + first} /> {t("class {label}: expected calibration error", { label: data.labels[k + first]! })}{" "}
            <Num name={`calibration.ece.${k}`} value={value} />
          </li>
        ))}
      </ul>
      <details>
        <summary>{t("The bins")}</summary>
        <Matrix name="calibration.mean" caption={t("mean ŷ")} values={mean} />
        <Matrix name="calibration.share" caption={t("observed frequency")} values={share} />
      </details>
    </div>
  );
}

/** The rows with the greatest loss; those of a table as its file has them. */
export function Worst({ report, data }: { report: Report; data: DataSet }) {
  const { numbers } = report;
  const dataset = data.bench.dataset;
  if (dataset?.origin) return <WorstOfTable {...{ report, dataset }} origin={dataset.origin} />;
  const y_hat = matrix(numbers["worst.y_hat"]);
  const x = matrix(numbers["worst.x"]);
  const targets = reals(numbers["worst.t"]);
  const few = data.features.slice(0, 6);
  return (
    <Scroll label={t("Rows by loss")}>
      <table class="worst">
        <WorstHead first={t("row")} names={few} />
        <tbody>
          {reals(numbers["worst.row"]).map((row, i) => (
            <tr key={i}>
              <th scope="row">
                <Num name={`worst.row.${i}`} value={row} />
              </th>
              <td>
                <Num name={`worst.loss.${i}`} value={reals(numbers["worst.loss"])[i]!} />
              </td>
              <td title={data.labels[targets[i]!]}>
                <Num name={`worst.t.${i}`} value={targets[i]!} />
              </td>
              <td>
                {y_hat[i]?.map((value, k) => (
                  <>
                    <Num name={`worst.y_hat.${i}.${k}`} value={value} digits={3} />{" "}
                  </>
                ))}
              </td>
              {few.map((_, k) => (
                <td>
                  <Num name={`worst.x.${i}.${k}`} value={x[i]?.[k] ?? NaN} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function WorstHead({ first, names }: { first: string; names: string[] }) {
  return (
    <thead>
      <tr>
        {[first, "ℒ", "t", "ŷ", ...names].map((name) => (
          <th scope="col">{name}</th>
        ))}
      </tr>
    </thead>
  );
}

/** Lines of the file, with its own texts and units. */
function WorstOfTable(props: { report: Report; dataset: Dataset; origin: Origin }) {
  const { report, dataset, origin } = props;
  const { numbers, part } = report;
  const { table } = origin;
  const used = new Set(dataset.columns.slice(1).flatMap(([name, kind]) => (kind === "ignore" || kind === "text" ? [] : [name])));
  const shown = table.columns.flatMap((name, k) => (used.has(name) ? [k] : [])).slice(0, 8);
  const target = table.cells[table.columns.indexOf(origin.target)]!;
  const rows = part === "train" ? origin.rows : origin.rows_test;
  const y_hat = matrix(numbers["worst.y_hat"]);
  return (
    <Scroll label={t("Rows by loss")}>
      <table class="worst">
        <WorstHead first={t("line")} names={shown.map((k) => table.columns[k]!)} />
        <tbody>
          {reals(numbers["worst.row"]).map((place, i) => {
            const row = rows[place]!;
            return (
              <tr key={i}>
                <th scope="row" title={t("row {row} of these rows", { row: place + 1 })}>
                  {table.lines[row]}
                </th>
                <td>
                  <Num name={`worst.loss.${i}`} value={reals(numbers["worst.loss"])[i]!} />
                </td>
                <td>{target[row]}</td>
                <td>
                  {dataset.n_classes ? (
                    y_hat[i]?.map((value, k) => (
                      <span title={dataset.labels[y_hat[i]!.length > 1 ? k : 1]}>
                        <Num name={`worst.y_hat.${i}.${k}`} value={value} digits={3} />{" "}
                      </span>
                    ))
                  ) : (
                    <span title={t("ŷ in the units of the file")}>
                      {short(y_hat[i]![0]! * origin.spread + origin.centre, 4)}
                    </span>
                  )}
                </td>
                {shown.map((k) => (
                  <td>{table.cells[k]![row] ?? "–"}</td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
      {dataset.n_classes > 0 && y_hat[0]?.length === 1 && (
        <p class="note">{t("ŷ is the probability of “{label}”.", { label: dataset.labels[1]! })}</p>
      )}
    </Scroll>
  );
}

/** Name, symbol, and what the symbol means. */
const statistics = (): [string, string, string][] => [
  ["h", "|h|", t("root mean square of the layer’s values")],
  ["dL_dz", "|∂ℒₙ/∂z|", t("root mean square of the gradient of each row’s loss")],
  ["W", "|W|", t("root mean square of the weights")],
  ["dL_dW", "|∂ℒ/∂W|", t("root mean square of their gradient")],
  ["update", "|ΔW|/|W|", t("relative change of the weights per step in this epoch; about 0.001 is usual")],
  ["dead", t("dead"), t("fraction of units that pass no gradient back")],
  ["saturated", t("saturated"), t("fraction of units at the flat ends of φ")],
];

export function Layers({ report }: { report: Report }) {
  return (
    <Scroll label={t("Layers")}>
      <table class="layers-table">
        <thead>
          <tr>
            <th scope="col">{t("layer")}</th>
            {statistics().map(([, symbol, words]) => (
              <th scope="col" title={words}>
                {symbol}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {report.activations.map((name, l) => (
            <tr>
              <th scope="row">
                {l + 1} <span class="note">{name}</span>
              </th>
              {statistics().map(([key]) => (
                <td>
                  <Num
                    name={`layers.${key}.${l}`}
                    value={reals(report.numbers[`layers.${key}`])[l]!}
                    nothing={key === "update" ? "–" : undefined}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

const MARKS: Record<string, string> = { error: "✗", warning: "!", note: "·" };
const severities = (): Record<string, string> => ({ error: t("error"), warning: t("warning"), note: t("note") });

export function Diagnosis({ report, store }: { report: Report; store: Store }) {
  const { unjudged = [] } = report;
  const none = unjudged.length ? t("No problem found so far.") : t("No problem found.");
  return (
    <>
      {!report.findings.length && <p class="fine">✓ {none}</p>}
      <ul class="findings">
      {report.findings.map((finding, i) => (
        <li key={finding.code + i} class={finding.severity}>
          <span class="severity" aria-label={severities()[finding.severity]}>
            {MARKS[finding.severity]}
          </span>
          <div>
            <strong data-name={`findings.${i}`} data-value={finding.code}>
              {finding.message}
            </strong>
            <div class="note">
              {Object.entries(finding.evidence)
                .map(([name, value]) => `${name} ${typeof value === "number" ? short(value) : value}`)
                .join(", ")}
            </div>
            <div>→ {finding.advice}</div>
            {finding.code === "nonfinite" && <LowerRate store={store} />}
          </div>
        </li>
      ))}
      </ul>
      {unjudged.map((words) => (
        <p class="note">{words}</p>
      ))}
    </>
  );
}
