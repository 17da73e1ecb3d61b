// "Copy as Python": the lines that print the numbers shown, to read and in the clipboard.

import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../text.ts";

interface CopyProps {
  python: string | (() => Promise<string>);
  names?: string[];
  title: string;
}

export function CopyPython({ python, names, title }: CopyProps) {
  const [text, setText] = useState<string | null>(null);
  const dialog = useRef<HTMLDialogElement>(null);
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (text !== null) dialog.current?.showModal();
  }, [text]);
  const open = async () => {
    const whole = typeof python === "string" ? python : await python();
    const lines = pick(whole, names);
    setText(lines);
    setCopied(await copy(lines));
  };
  return (
    <>
      <button class="small" onClick={() => void open()}>
        {t("Copy as Python")}
        <span class="hidden">: {title}</span>
      </button>
      {text !== null && (
        <dialog ref={dialog} class="code" aria-label={t("{title} as Python", { title })} onClose={() => setText(null)}>
          <header>
            <h2>{t("{title} as Python", { title })}</h2>
            <span class="note" role="status">
              {copied ? t("Copied. Run it anywhere to print the numbers shown.") : ""}
            </span>
            <button onClick={() => void copy(text).then(setCopied)}>{t("Copy")}</button>
            <button onClick={() => dialog.current?.close()}>{t("Close")}</button>
          </header>
          <pre class="python" tabIndex={0} aria-label={t("Python program")}>{text}</pre>
        </dialog>
      )}
    </>
  );
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // the text is there to be selected
  }
}

/** The program with the `show` lines of only some names. */
export function pick(python: string, names?: string[]): string {
  if (!names) return python;
  return python
    .split("\n")
    .filter((line) => {
      const shown = /^show\(['"](.+?)['"], /.exec(line);
      return !shown || names.includes(shown[1] as string);
    })
    .join("\n");
}
