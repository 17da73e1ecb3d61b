// A text with more than letters: *symbols* between asterisks are set as mathematics, and {name} is
// filled by an element.

import type { ComponentChildren } from "preact";
import { M } from "./station.tsx";

interface RichProps {
  text: string;
  fill?: Record<string, ComponentChildren>;
}

export function Rich({ text, fill = {} }: RichProps) {
  return (
    <>
      {text.split(/(\*[^*]+\*|\{\w+\})/).map((part) => {
        if (part.startsWith("*")) return <M>{part.slice(1, -1)}</M>;
        return part.startsWith("{") ? fill[part.slice(1, -1)] : part;
      })}
    </>
  );
}
