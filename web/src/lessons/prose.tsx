// The texts of lessons: `code` and *emphasis*, nothing else.

import type { ComponentChild } from "preact";
import { t } from "../text.ts";

export function Prose({ text }: { text: string }) {
  const parts = t(text).split(/(`[^`]+`|\*[^*]+\*)/);
  return <>{parts.map(part)}</>;
}

function part(text: string): ComponentChild {
  if (text.startsWith("`") && text.length > 2) return <code>{text.slice(1, -1)}</code>;
  if (text.startsWith("*") && text.length > 2) return <em>{text.slice(1, -1)}</em>;
  return text;
}
