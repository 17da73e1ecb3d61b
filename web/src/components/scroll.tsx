// What may be wider than its panel: it scrolls, and then the keyboard can reach it.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** labelledby: the id of its caption. */
export function Scroll(props: { labelledby?: string; label?: string; children: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  const [wide, setWide] = useState(false);
  useLayoutEffect(() => {
    const outer = box.current as HTMLDivElement;
    const watch = new ResizeObserver(() => setWide(outer.scrollWidth > outer.clientWidth));
    for (const element of [outer, ...outer.children]) watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const reached = wide && {
    tabIndex: 0,
    role: "region" as const,
    "aria-labelledby": props.labelledby,
    "aria-label": props.label,
  };
  return (
    <div ref={box} class="scroll" {...reached}>
      {props.children}
    </div>
  );
}
