// One unit: its incoming weights and bias to edit, the gradients, and the example on its way.

import { Scroll } from "../components/scroll.tsx";
import { Num } from "../components/numbers.tsx";
import { Tex } from "../stations/stepper/tex.tsx";
import { NumberBox } from "../components/slider.tsx";
import { real, reals } from "../protocol.ts";
import type { Store } from "../store.ts";
import { t } from "../text.ts";
import { type DataSet, placeOfBias, placeOfWeight, useLive } from "./live.ts";
import type { Chosen } from "./network.tsx";

const MOST = 1e6;

export function Inspector({ store, data, chosen }: { store: Store; data: DataSet; chosen: Chosen | null }) {
  useLive(store.live, 100);
  const { frame } = store.live;
  if (!frame || data !== store.live.data) return null;
  if (!chosen || chosen.layer >= data.sizes.length || chosen.unit >= data.sizes[chosen.layer]!)
    return <p class="note">{t("Choose a unit or an edge to see its numbers, and to change them.")}</p>;
  const { layer, unit } = chosen;
  const last = layer === data.sizes.length - 1;
  const title = last ? t("Output unit {unit}", { unit: unit + 1 }) : t("Unit {unit} of layer {layer}", { unit: unit + 1, layer });
  const phi = last ? data.output : data.activations[layer - 1];
  const edit = (name: string) => (value: number) => void store.ask("edit", { name, value });
  const example = frame.example ? frame.numbers : null;
  const exampleOf = (name: string, k: number) => reals(example?.[`example.${name}`])[k]!;
  const source = (k: number) =>
    layer === 1 ? data.features[k] : `h${superscript(layer - 1)}${subscript(k + 1)}`;
  const gradient = frame.exampleGradient ?? frame.gradient;
  const prefix = frame.exampleGradient ? "example." : "";
  const rows = Array.from({ length: data.sizes[layer - 1]! }, (_, k) => ({
    name: `${layer}.${unit}.${k}`,
    kind: "W",
    label: source(k),
    place: placeOfWeight(data, layer, unit, k),
    lit: chosen.source === k,
    input: example ? exampleOf(layer === 1 ? "x" : `h${layer - 1}`, k) : null,
    inputName: layer === 1 ? `example.x.${k}` : `example.h${layer - 1}.${k}`,
  }));
  const bias = {
    name: `${layer}.${unit}`,
    kind: "b",
    label: `${t("bias")} b`,
    place: placeOfBias(data, layer, unit),
    lit: false,
    input: null,
    inputName: "",
  };
  return (
    <div class="inspector" aria-label={title} role="group">
      <h3>
        {title} <span class="note">{t(phi ?? "")}</span>
      </h3>
      <Scroll label={t("Weights")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("from")}</th>
              {example && <th scope="col">{t("value")}</th>}
              <th scope="col">w</th>
              <th scope="col">{prefix ? "∂ℒₙ/∂w" : "∂ℒ/∂w"}</th>
            </tr>
          </thead>
          <tbody>
            {[...rows, bias].map((row) => (
              <tr key={row.name} class={row.lit ? "lit" : ""}>
                <th scope="row">
                  {layer === 1 ? row.label : <Tex>{row.label!}</Tex>}
                </th>
                {example && (
                  <td>{row.input === null ? "1" : <Num name={row.inputName} value={row.input} />}</td>
                )}
                <td>
                  <NumberBox
                    label={row.kind === "W" ? t("Weight from {name}", { name: row.label! }) : t("Value of the bias")}
                    name={row.kind + row.name}
                    value={frame.theta[row.place]!}
                    low={-MOST}
                    high={MOST}
                    step="any"
                    hint={`${row.kind}${row.name} = ${frame.theta[row.place]}`}
                    onChange={edit(row.kind + row.name)}
                  />
                </td>
                <td>
                  <Num name={`${prefix}dL_d${row.kind}${row.name}`} value={gradient[row.place]!} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {example && (
        <p class="numbers">
          z = Σ w·value + b = <Num name={`example.z${layer}.${unit}`} value={exampleOf(`z${layer}`, unit)} />,{" "}
          {last ? "ŷ" : "h"} = {phi}(z) ={" "}
          <Num name={`example.h${layer}.${unit}`} value={exampleOf(`h${layer}`, unit)} />, ∂ℒₙ/∂z ={" "}
          <Num name={`example.dL_dz${layer}.${unit}`} value={real(exampleOf(`dL_dz${layer}`, unit))} />
        </p>
      )}
    </div>
  );
}

function superscript(k: number): string {
  return `⁽${"⁰¹²³⁴⁵⁶⁷⁸⁹"[k]}⁾`;
}

function subscript(k: number): string {
  return [...String(k)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]).join("");
}
