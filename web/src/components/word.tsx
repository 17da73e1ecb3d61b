// A word in the place of a symbol.

import type { ComponentChildren } from "preact";

export function Word({ children }: { children: ComponentChildren }) {
  return <span class="word">{children}</span>;
}
