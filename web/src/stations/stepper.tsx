// Station 4: forward and back-propagation, line by line, in symbols, shapes and numbers.

import { useEffect, useRef } from "preact/hooks";
import { Explain } from "../components/explain.tsx";
import { Panel } from "../components/panel.tsx";
import { Rich } from "../components/rich.tsx";
import { StationFrame, type StationProps } from "../components/station.tsx";
import { Shape, Values, Which } from "./stepper/edit.tsx";
import { CellPanel, LinePanel } from "./stepper/line.tsx";
import { shapeText } from "./stepper/brackets.tsx";
import type { LineView, Quantity } from "./stepper/shown.ts";
import { Sketch } from "./stepper/sketch.tsx";
import { Tex } from "./stepper/tex.tsx";
import { t } from "../text.ts";
import { INTRODUCTIONS } from "../texts/introductions.ts";

export function Stepper(props: StationProps) {
  const { info, store, view, set } = props;
  const lines = view.lines as LineView[];
  const line = lines[(view.line as number) - 1] as LineView;
  const go = (to: number) => {
    if (to >= 1 && to <= lines.length) set({ line: to, at: [] });
  };
  const drawn = Object.keys(view.numbers).filter((name) => /^(X|h\d|y_hat|dL_dz\d|dL_dX)$/.test(name));
  useKeys(line.number, go);
  return (
    <StationFrame
      info={info}
      store={store}
      intro={<Rich text={t(INTRODUCTIONS.stepper!)} />}
    >
      <div class="w8 stack-column">
        <Which {...props} />
        <LinePanel {...props} line={line} go={go} />
        <CellPanel {...props} />
        <Values {...props} />
      </div>
      <div class="w4 stack-column">
        <LineList {...props} lines={lines} line={line} go={go} />
        <Panel title={t("Position in the network")} python={view.python} names={drawn}>
          <Sketch
            sizes={view.sizes as number[]}
            numbers={view.numbers}
            lines={lines}
            line={line}
            n={view.n as number}
          />
          <p class="note">
            {t(
              "The circles show x, h and ŷ; below them is ∂ℒ/∂z, as far as it has been computed. Orange wires have positive weights; blue, dashed wires have negative ones.",
            )}
          </p>
        </Panel>
        <Shape {...props} />
      </div>
    </StationFrame>
  );
}

/** All lines, with a link to each. */
function LineList(
  props: StationProps & { lines: LineView[]; line: LineView; go: (to: number) => void },
) {
  const { view, lines, line, go } = props;
  const quantities = view.quantities as Record<string, Quantity>;
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const current = list.current?.querySelector<HTMLElement>("[aria-current]");
    if (!list.current || !current) return;
    const top = current.offsetTop - list.current.offsetTop;
    const { scrollTop, clientHeight } = list.current;
    if (top < scrollTop || top + current.offsetHeight > scrollTop + clientHeight)
      list.current.scrollTop = top - clientHeight / 3;
  }, [line.number]);
  const names = lines.map((other) => other.of);
  return (
    <Panel
      title={t("The computation")}
      python={view.python}
      names={names}
      tools={<Explain of="stepper.line" label={t("The computation")} />}
    >
      <div class="lines" ref={list}>
        {(["forward", "backward"] as const).map((direction) => (
          <>
            <h3>{direction === "forward" ? t("Forward →") : t("← Backward")}</h3>
            <ol>
              {lines
                .filter((other) => other.direction === direction)
                .map((other) => (
                  <li>
                    <button
                      aria-current={other.number === line.number ? "step" : undefined}
                      onClick={() => go(other.number)}
                    >
                      <span class="order">{other.number}</span>
                      <Tex>{other.equation}</Tex>
                      <span class="note shape">{shapeText(quantities[other.of] as Quantity)}</span>
                    </button>
                  </li>
                ))}
            </ol>
          </>
        ))}
      </div>
    </Panel>
  );
}

/** Page Down and Page Up (the buttons of a presenter) always step; arrow keys step if they are free. */
function useKeys(line: number, go: (to: number) => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]"))
        return;
      const target = event.target as Element;
      const busy = target.closest("input, select, textarea, [role=tab], [role=gridcell], .scroll");
      const paging = { PageDown: 1, PageUp: -1 }[event.key];
      const arrow = busy ? undefined : { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const step = paging ?? arrow;
      if (!step) return;
      event.preventDefault();
      go(line + step);
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  });
}
