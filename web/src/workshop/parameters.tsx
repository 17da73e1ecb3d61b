// All weights and gradients as matrices.

import { Matrix } from "../components/numbers.tsx";
import type { Store } from "../store.ts";
import { type DataSet, useLive } from "./live.ts";

export function Parameters({ store, data }: { store: Store; data: DataSet }) {
  useLive(store.live, 150);
  const { frame } = store.live;
  if (!frame || data !== store.live.data) return null;
  const rows = (values: Float64Array, layer: number) => {
    const [start] = data.layout[layer - 1]!;
    const n = data.sizes[layer - 1]!;
    return Array.from({ length: data.sizes[layer]! }, (_, j) => [
      ...values.subarray(start + j * n, start + (j + 1) * n),
    ]);
  };
  const vector = (values: Float64Array, layer: number) => {
    const start = data.layout[layer - 1]![1];
    return [[...values.subarray(start, start + data.sizes[layer]!)]];
  };
  return (
    <div class="parameters">
      {data.layout.map((_, l) => (
        <div>
          <Matrix name={`W${l + 1}`} caption={<Name of="W" layer={l + 1} />} values={rows(frame.theta, l + 1)} shade />
          <Matrix name={`b${l + 1}`} caption={<Name of="b" layer={l + 1} />} vector values={vector(frame.theta, l + 1)} shade />
          <Matrix
            name={`dL_dW${l + 1}`}
            caption={<Name of="∂ℒ/∂W" layer={l + 1} />}
            values={rows(frame.gradient, l + 1)}
            shade
          />
          <Matrix
            name={`dL_db${l + 1}`}
            caption={<Name of="∂ℒ/∂b" layer={l + 1} />}
            vector
            values={vector(frame.gradient, l + 1)}
            shade
          />
        </div>
      ))}
    </div>
  );
}

function Name({ of, layer }: { of: string; layer: number }) {
  return (
    <span class="math">
      {of}
      <sup>({layer})</sup>
    </span>
  );
}
