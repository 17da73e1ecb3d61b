// One gate of a circuit: the weights, biases and proved errors of its neurons.

import { Scroll } from "../../components/scroll.tsx";
import { Num } from "../../components/numbers.tsx";
import { M } from "../../components/station.tsx";
import { matrix, type Numbers, reals } from "../../protocol.ts";
import { t } from "../../text.ts";
import type { CircuitView } from "./circuit.tsx";

export function GateDetail(props: { net: string; circuit: CircuitView; numbers: Numbers }) {
  const { net, circuit, numbers } = props;
  const i = circuit.cells.findIndex((cell) => cell.output === net);
  const cell = circuit.cells[i];
  if (!cell) return null;
  const units = circuit.units[i] ?? [];
  const weights = matrix(numbers.circuit_W);
  const b = reals(numbers.circuit_b);
  const errors = matrix(numbers.circuit_unit_errors);
  return (
    <div class="gate-detail">
      <p>
        <strong>{net}</strong> = {cell.kind.toUpperCase()}
        {cell.inputs.length ? `(${cell.inputs.join(", ")})` : ""}
      </p>
      {units.length === 0 ? (
        <p class="note">
          {t("No neuron of its own: the neurons that read it take over its wire.")}
        </p>
      ) : (
        <Scroll label={t("Table")}>
          <table class="units">
            <caption class="hidden">{t("The neurons of {net}", { net })}</caption>
            <thead>
              <tr>
                <th scope="col">{t("neuron")}</th>
                <th scope="col">
                  {t("weights")} <M>w</M>
                </th>
                <th scope="col">
                  <M>b</M>
                </th>
                <th scope="col">{t("proved error at 0")}</th>
                <th scope="col">{t("at 1")}</th>
              </tr>
            </thead>
            <tbody>
              {units.map((unit) => (
                <tr>
                  <th scope="row">{circuit.sources[circuit.inputs.length + unit]}</th>
                  <td class="weights">
                    {(weights[unit] ?? []).map(
                      (w, source) =>
                        w !== 0 && (
                          <span>
                            {circuit.sources[source]}:{" "}
                            <Num
                              name={`circuit_W.${unit}.${source}`}
                              value={w}
                              class={w < 0 ? "minus" : "plus"}
                            />
                          </span>
                        ),
                    )}
                  </td>
                  <td>
                    <Num name={`circuit_b.${unit}`} value={b[unit] ?? NaN} />
                  </td>
                  {[0, 1].map((bit) => (
                    <td>
                      <Num
                        name={`circuit_unit_errors.${unit}.${bit}`}
                        value={errors[unit]?.[bit] ?? NaN}
                      />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </div>
  );
}
