// The gain at which circuits of any depth are correct.

import { Num } from "../../components/numbers.tsx";
import { Rich } from "../../components/rich.tsx";
import { Word } from "../../components/word.tsx";
import { type Numbers, real } from "../../protocol.ts";
import { t } from "../../text.ts";

/** of: "gate" or "circuit", which begins the names of the numbers. */
export function SafeGain({ of, numbers }: { of: string; numbers: Numbers }) {
  return (
    <div class="named">
      <span class="symbol">
        <Word>{t("safe gain")}</Word>
      </span>
      <span aria-hidden="true">=</span>
      <Num name={`${of}_least_gain`} value={real(numbers[`${of}_least_gain`])} />
      <span class="note">
        <Rich
          text={t("correct at any depth, in circuits of units with *‖w‖₁* ≤ {norm}")}
          fill={{ norm: <Num name={`${of}_norm`} value={real(numbers[`${of}_norm`])} /> }}
        />
      </span>
    </div>
  );
}
