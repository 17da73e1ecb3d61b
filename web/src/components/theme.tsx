// Light, dark, or as the system has it; remembered by the browser.

import { useState } from "preact/hooks";
import { t } from "../text.ts";
import { recall, remember } from "../storage.ts";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];
const ICONS: Record<Theme, string> = { auto: "◐", light: "☀", dark: "☾" };

const known = new Map<string, string>();

function stored(): Theme {
  const theme = recall("theme") as Theme | null;
  return theme && THEMES.includes(theme) ? theme : "auto";
}

export function applyTheme(theme: Theme = stored()): void {
  document.documentElement.dataset.theme = theme;
  known.clear();
  window.dispatchEvent(new Event("themechange"));
}

export function ThemeSwitch() {
  const [theme, setTheme] = useState<Theme>(stored());
  const following = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] as Theme;
  const names = { theme: t(theme), following: t(following) };
  const change = () => {
    remember("theme", following);
    applyTheme(following);
    setTheme(following);
  };
  return (
    <button class="quiet" onClick={change} title={t("Colours: {theme}; change to {following}", names)}>
      <span aria-hidden="true">{ICONS[theme]}</span>
      <span class="hidden">{t("Colours: {theme}", names)}</span>
    </button>
  );
}

window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => applyTheme());

/** The value of a custom property of the page, for drawing on a canvas. */
export function colour(name: string): string {
  const before = known.get(name);
  if (before) return before;
  probe ??= document.body.appendChild(document.createElement("i"));
  probe.hidden = true;
  probe.style.color = `var(--${name})`;
  const value = getComputedStyle(probe).color;
  known.set(name, value);
  return value;
}
let probe: HTMLElement | undefined;
