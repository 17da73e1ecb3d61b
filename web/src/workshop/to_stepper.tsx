// From the workshop into the stepper: this network with its present weights, and the example at hand.

import { handedOver } from "../model/stepper/handover.ts";
import { MODELS } from "../model/index.ts";
import { encode } from "../session/link.ts";
import type { Store } from "../store.ts";
import { t } from "../text.ts";
import { useLive } from "./live.ts";

/** A button; where the network does not fit, it says why not. */
export function ToStepper({ store }: { store: Store }) {
  useLive(store.live, 500);
  const { data, frame } = store.live;
  const bench = data?.bench;
  if (!data || !bench || !frame) return null;
  const { rows, spec } = bench;
  const n = frame.example?.row ?? frame.batch[0] ?? 0;
  const width = rows.t.length / rows.n;
  const found = handedOver({
    sizes: spec.sizes,
    activations: spec.activations,
    output: spec.output,
    theta: frame.theta,
    x: rows.X.subarray(n * spec.sizes[0]!, (n + 1) * spec.sizes[0]!),
    t: rows.t.subarray(n * width, (n + 1) * width),
  });
  const reason = "reason" in found ? found.reason : "";
  const open = async () => {
    if (!("settings" in found)) return;
    await store.ask("open", { link: encode(MODELS.stepper!, found.settings) });
    scrollTo(0, 0);
  };
  return (
    <div class="row to-stepper">
      <button disabled={!!reason} aria-describedby={reason ? "to-stepper-reason" : undefined} onClick={() => void open()}>
        {t("Open this network with row {n} in the stepper", { n: n + 1 })}
      </button>
      {reason && (
        <span class="note" id="to-stepper-reason">
          {reason}
        </span>
      )}
    </div>
  );
}
