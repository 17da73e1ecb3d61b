// Formulas as text, set with indices and superscripts: Σ_j W_ji, z⁽¹⁾, Wᵀ, x[1, 2].

import type { ComponentChildren } from "preact";
import { t } from "../../text.ts";

const DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const PARTS = /(_[A-Za-z0-9]+|⁽[⁰¹²³⁴⁵⁶⁷⁸⁹]+⁾|ᵀ|[ₙⱼᵢₖ]|\[\d+(?:, \d+)*\])/;
const SMALL: Record<string, string> = { ₙ: "n", ⱼ: "j", ᵢ: "i", ₖ: "k" };

/** The text with <sub> and <sup>: fonts do not agree on the small characters of Unicode. */
export function set(text: string): ComponentChildren[] {
  return text.split(PARTS).map((part) => {
    if (part.startsWith("⁽")) return <sup>({[...part.slice(1, -1)].map((c) => DIGITS.indexOf(c))})</sup>;
    if (part === "ᵀ") return <sup>T</sup>;
    if (SMALL[part]) return <sub>{SMALL[part]}</sub>;
    if (/^_\w/.test(part)) return <sub>{part.slice(1)}</sub>;
    if (/^\[\d/.test(part)) return <sub>{part.slice(1, -1).replaceAll(", ", ",")}</sub>;
    return part;
  });
}

export function Tex({ children }: { children: string }) {
  return <span class="math">{set(children)}</span>;
}

/** How the slides write the weights. */
export function Slides() {
  return (
    <p class="note slide">
      <span class="term">{t("Slide notation")}</span>{" "}
      {set(
        t("Row j of W holds the weights into unit j: the slides’ w_ij, from unit i to unit j, is W_ji here."),
      )}
    </p>
  );
}
