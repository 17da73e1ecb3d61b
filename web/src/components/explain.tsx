// A button "?" at a control, which opens what the control is, its formula, and something to try.
//
// The browser's own popover: Escape, a click elsewhere or a second click closes it, by mouse, touch and
// keyboard alike. The texts are in texts/explanations.ts.

import { useRef, useState } from "preact/hooks";
import { t } from "../text.ts";
import { detailOf, explanationOf } from "../texts/explanations.ts";
import { Rich } from "./rich.tsx";
import { clamp, useId } from "./slider.tsx";

interface ExplainProps {
  /** "station.setting", as in texts/explanations.ts; without a text there is no button. */
  of: string;
  label: string;
  /** The chosen name, of a choice whose options have texts too. */
  value?: unknown;
}

const EDGE = 8; // pixels between the popover and the window's edge

export function Explain({ of, label, value }: ExplainProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const found = explanationOf(of);
  if (!found) return null;
  const detail = detailOf(of, value);
  const place = (event: { newState: string; currentTarget: HTMLElement }) => {
    const popover = event.currentTarget;
    setOpen(event.newState === "open");
    popover.style.visibility = "";
    if (event.newState === "open") requestAnimationFrame(() => follow(button.current, popover));
  };
  return (
    <>
      <button
        ref={button}
        class="why"
        type="button"
        popovertarget={id}
        aria-describedby={open ? id : undefined}
      >
        <span aria-hidden="true">?</span>
        <span class="hidden">{t("Explain: {label}", { label })}</span>
      </button>
      <div id={id} popover="auto" class="explanation" onToggle={place}>
        {open && (
          <>
            <strong>{label}</strong>
            <p>
              <Rich text={t(found.what)} />
            </p>
            {found.formula && <p class="math">{found.formula}</p>}
            {detail && (
              <p class="detail">
                <span class="term">{t(detail.title)}</span> <span class="math">{detail.formula}</span>
                <br />
                <Rich text={t(detail.remark)} />
              </p>
            )}
            {found.attempt && (
              <p>
                <span class="term">{t("Try:")}</span> <Rich text={t(found.attempt)} />
              </p>
            )}
          </>
        )}
      </div>
    </>
  );
}

/** Put the popover below its button, or above it where there is no room; it closes on scrolling. */
function follow(button: HTMLElement | null, popover: HTMLElement): void {
  if (!button) return;
  const at = button.getBoundingClientRect();
  const size = popover.getBoundingClientRect();
  const left = clamp(at.left - EDGE, EDGE, innerWidth - size.width - EDGE);
  const below = at.bottom + EDGE + size.height <= innerHeight;
  const top = below ? at.bottom + 4 : Math.max(EDGE, at.top - size.height - 4);
  popover.style.left = `${left}px`;
  popover.style.top = `${top}px`;
  popover.style.visibility = "visible";
  addEventListener("scroll", () => popover.hidePopover(), { once: true, passive: true });
}
