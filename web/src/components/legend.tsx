// What colours mean, beside the pictures that use them; and notes on how the slides write things.

import { t } from "../text.ts";
import { Rich } from "./rich.tsx";

/** Orange is above 0, blue is below. */
export function Signs() {
  return (
    <p class="note signs">
      <i class="swatch one" /> {t("above 0")} <i class="swatch zero" /> {t("below 0")}
    </p>
  );
}

/** How the lecture writes what the page writes differently. */
export function SlideNote({ text }: { text: string }) {
  return (
    <p class="note slide">
      <span class="term">{t("Slide notation")}</span> <Rich text={text} />
    </p>
  );
}
