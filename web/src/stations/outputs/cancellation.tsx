// The chain rule at the output, line by line with numbers, until ŷ − t is left.

import type { ComponentChildren } from "preact";
import { Signs, SlideNote } from "../../components/legend.tsx";
import { Matrix, Num } from "../../components/numbers.tsx";
import { Panel } from "../../components/panel.tsx";
import { Rich } from "../../components/rich.tsx";
import { M, type StationProps } from "../../components/station.tsx";
import { matrix, type Numbers, reals } from "../../protocol.ts";
import { t } from "../../text.ts";

export function Cancellation({ settings, view }: StationProps) {
  const { numbers, python } = view;
  const names = ["dL_dy_hat", "dy_dz", "chain", "y_hat_minus_t"];
  if (settings.unit === "softmax") names.push("chain_terms");
  if (settings.unit === "logistic") names.push("plain_dL_dy_hat", "plain_dy_dz", "plain");
  const Lines = { logistic: OfLogistic, softmax: OfSoftmax, poisson: OfPoisson }[settings.unit as string] ?? OfLinear;
  return (
    <Panel title={t("Why ∂ℒ/∂z = ŷ − t")} class="w12" python={python} names={names}>
      <Lines numbers={numbers} unit={settings.unit} />
      <SlideNote
        text={t(
          "For a network of four layers the slide writes *∂ℒ/∂z⁽⁴⁾ = ∂ŷ/∂z⁽⁴⁾ · ∂ℒ/∂ŷ*, a matrix times a vector; here *z* is the *z* of the last layer.",
        )}
      />
    </Panel>
  );
}

interface LinesProps {
  numbers: Numbers;
  unit: string;
}

function Step({ symbol, children, note }: { symbol: string; children: ComponentChildren; note?: string }) {
  return (
    <li>
      <span class="math left">{symbol}</span>
      <span class="math">{children}</span>
      {note && <span class="note">{note}</span>}
    </li>
  );
}

function first(numbers: Numbers, name: string): number {
  const value = numbers[name];
  return Array.isArray(value) && Array.isArray(value[0])
    ? (matrix(value)[0]?.[0] ?? NaN)
    : (reals(value)[0] ?? NaN);
}

/** The common part of two factors, struck out. */
function Struck({ children }: { children: ComponentChildren }) {
  return <s class="struck">{children}</s>;
}

function OfLogistic({ numbers }: LinesProps) {
  return (
    <>
      <ol class="derivation">
        <Step symbol="∂ℒ/∂ŷ" note={t("of {formula}", { formula: "−t log ŷ − (1 − t) log(1 − ŷ)" })}>
          = −t/ŷ + (1 − t)/(1 − ŷ) = (ŷ − t) / [ŷ (1 − ŷ)] ={" "}
          <Num name="dL_dy_hat.0" value={first(numbers, "dL_dy_hat")} />
        </Step>
        <Step symbol="∂ŷ/∂z" note={t("of {formula}: small where ŷ is near 0 or 1", { formula: "1/(1 + e⁻ᶻ)" })}>
          = ŷ (1 − ŷ) = <Num name="dy_dz.0.0" value={first(numbers, "dy_dz")} />
        </Step>
        <Step symbol="∂ℒ/∂z" note={t("the chain rule")}>
          = ∂ŷ/∂z · ∂ℒ/∂ŷ = <Struck>ŷ (1 − ŷ)</Struck> · (ŷ − t) / [<Struck>ŷ (1 − ŷ)</Struck>] ={" "}
          <Num name="chain.0" value={first(numbers, "chain")} />
        </Step>
        <Step symbol="" note={t("what remains")}>
          = <strong>ŷ − t</strong> ={" "}
          <Num class="strong" name="y_hat_minus_t.0" value={first(numbers, "y_hat_minus_t")} />
        </Step>
      </ol>
      <p class="note">
        <Rich
          text={t(
            "In plain floating point, from a rounded *ŷ*: *∂ℒ/∂ŷ* = {dL}, *∂ŷ/∂z* = {dy}, their product {product}. From about *|z|* = 37 on, the product is not a number. So the computation uses *ŷ − t* instead.",
          )}
          fill={{
            dL: <Num name="plain_dL_dy_hat.0" value={first(numbers, "plain_dL_dy_hat")} />,
            dy: <Num name="plain_dy_dz.0" value={first(numbers, "plain_dy_dz")} />,
            product: <Num name="plain.0" value={first(numbers, "plain")} />,
          }}
        />
      </p>
    </>
  );
}

function OfSoftmax({ numbers }: LinesProps) {
  const y = reals(numbers.y_hat);
  const labels = y.map((_, k) => `k = ${k + 1}`);
  return (
    <>
      <div class="row matrices">
        <div>
          <Matrix
            name="dL_dy_hat"
            caption={
              <>
                <M>∂ℒ/∂ŷᵢ = −tᵢ/ŷᵢ</M>
              </>
            }
            vector
            values={reals(numbers.dL_dy_hat).map((value) => [value])}
            rows={y.map((_, i) => `i = ${i + 1}`)}
            shade
          />
        </div>
        <div>
          <Matrix
            name="dy_dz"
            caption={
              <Rich text={t("*∂ŷᵢ/∂zₖ = ŷᵢ (δᵢₖ − ŷₖ)*, the Jacobian")} />
            }
            values={matrix(numbers.dy_dz)}
            rows={labels}
            columns={y.map((_, i) => `i = ${i + 1}`)}
            shade
          />
        </div>
        <div>
          <Matrix
            name="chain_terms"
            caption={
              <Rich
                text={t("their products *∂ŷᵢ/∂zₖ · ∂ℒ/∂ŷᵢ = −tᵢ (δᵢₖ − ŷₖ)*: *ŷᵢ* cancels")}
              />
            }
            values={matrix(numbers.chain_terms)}
            rows={labels}
            columns={y.map((_, i) => `i = ${i + 1}`)}
            shade
          />
        </div>
        <div>
          <Matrix
            name="chain"
            caption={
              <Rich text={t("*Σᵢ*, the chain rule")} />
            }
            vector
            values={reals(numbers.chain).map((value) => [value])}
            shade
          />
        </div>
        <div>
          <Matrix
            name="y_hat_minus_t"
            caption={<M>ŷ − t</M>}
            vector
            values={reals(numbers.y_hat_minus_t).map((value) => [value])}
            shade
          />
        </div>
      </div>
      <Signs />
      <ol class="derivation">
        <Step symbol="∂ℒ/∂zₖ" note={t("the chain rule, over all outputs")}>
          = Σᵢ ∂ŷᵢ/∂zₖ ∂ℒ/∂ŷᵢ = Σᵢ <Struck>ŷᵢ</Struck> (δᵢₖ − ŷₖ) · (−tᵢ/<Struck>ŷᵢ</Struck>)
        </Step>
        <Step symbol="" note={t("as Σᵢ tᵢ = 1")}>
          = −tₖ + ŷₖ Σᵢ tᵢ = <strong>ŷₖ − tₖ</strong>
        </Step>
      </ol>
    </>
  );
}

function OfPoisson({ numbers }: LinesProps) {
  return (
    <ol class="derivation">
      <Step symbol="∂ℒ/∂ŷ" note={t("of {formula}", { formula: "ŷ − t log ŷ + t log t − t" })}>
        = 1 − t/ŷ = <Num name="dL_dy_hat.0" value={first(numbers, "dL_dy_hat")} />
      </Step>
      <Step symbol="∂ŷ/∂z" note={t("of {formula}", { formula: "eᶻ" })}>
        = ŷ = <Num name="dy_dz.0.0" value={first(numbers, "dy_dz")} />
      </Step>
      <Step symbol="∂ℒ/∂z" note={t("the chain rule")}>
        = ŷ (1 − t/ŷ) = ŷ − t <Struck>ŷ</Struck>/<Struck>ŷ</Struck> ={" "}
        <Num name="chain.0" value={first(numbers, "chain")} />
      </Step>
      <Step symbol="" note={t("what remains")}>
        = <strong>ŷ − t</strong> ={" "}
        <Num class="strong" name="y_hat_minus_t.0" value={first(numbers, "y_hat_minus_t")} />
      </Step>
    </ol>
  );
}

function OfLinear({ numbers, unit }: LinesProps) {
  const squared = unit === "linear";
  const slope = { linear: "ŷ − t", absolute_error: "sign(ŷ − t)" }[unit] ?? t("ŷ − t, clipped at ±1");
  return (
    <ol class="derivation">
      <Step symbol="∂ℒ/∂ŷ">
        = {slope} = <Num name="dL_dy_hat.0" value={first(numbers, "dL_dy_hat")} />
      </Step>
      <Step symbol="∂ŷ/∂z" note={t("of ŷ = z: there is nothing to cancel")}>
        = <Num name="dy_dz.0.0" value={first(numbers, "dy_dz")} />
      </Step>
      <Step symbol="∂ℒ/∂z" note={t("the chain rule")}>
        = ∂ŷ/∂z · ∂ℒ/∂ŷ = <Num class="strong" name="chain.0" value={first(numbers, "chain")} />
      </Step>
      <Step symbol="" note={squared ? t("the same") : t("bounded: an outlier cannot pull harder than this")}>
        {squared ? "= " : `${t("compared with")} `}
        <strong>ŷ − t</strong> ={" "}
        <Num name="y_hat_minus_t.0" value={first(numbers, "y_hat_minus_t")} />
      </Step>
    </ol>
  );
}
