// A panel: a titled part of a station that can be hidden, with its lines of Python.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { recall, remember } from "../storage.ts";
import { CopyPython } from "./copy.tsx";
import { useId } from "./slider.tsx";

interface PanelProps {
  title: string;
  /** Grid area or other class. */
  class?: string;
  /** The station's program. Without it there is no button. */
  python?: string | (() => Promise<string>);
  /** The names of the numbers that the panel shows; the program then prints only these. */
  names?: string[];
  children: ComponentChildren;
  /** Further buttons of the title line. */
  tools?: ComponentChildren;
  /** Hidden at first. */
  folded?: boolean;
}

export function Panel(props: PanelProps) {
  const { title, python, names, children, tools } = props;
  const key = `folded ${title}`;
  const [folded, setFolded] = useState((recall(key) ?? String(!!props.folded)) === "true");
  const id = useId();
  const toggle = () => {
    remember(key, String(!folded));
    setFolded(!folded);
  };
  return (
    <section class={`panel ${props.class ?? ""} ${folded ? "folded" : ""}`} aria-label={title}>
      <header>
        <h2>
          <button class="fold" aria-expanded={!folded} aria-controls={id} onClick={toggle}>
            <span class="mark" aria-hidden="true" />
            {title}
          </button>
        </h2>
        {!folded && tools}
        {!folded && python !== undefined && (
          <CopyPython python={python} names={names} title={title} />
        )}
      </header>
      <div id={id} class="body" hidden={folded}>
        {!folded && children}
      </div>
    </section>
  );
}
