// What can be taken along: the state, the network, the drawing, the program.

import { useRef } from "preact/hooks";
import type { Store } from "../store.ts";
import { t } from "../text.ts";

export function download(name: string, content: BlobPart, type = "application/octet-stream"): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

export function Files({ store, python }: { store: Store; python: () => Promise<string> }) {
  const file = useRef<HTMLInputElement>(null);
  const exported = async (what: string) => {
    const reply = await store.ask("export", { what });
    if (reply) download(reply.name, reply.file as BlobPart);
  };
  const save = async () => {
    const reply = await store.ask("save");
    if (reply) download("playground.safetensors", reply.file as BlobPart);
  };
  const load = async (list: FileList | null) => {
    const chosen = list?.[0];
    if (!chosen) return;
    await store.ask("load", {}, new Uint8Array(await chosen.arrayBuffer()));
    if (file.current) file.current.value = "";
  };
  return (
    <div class="files">
      <button onClick={() => void save()}>{t("Save all")}</button>
      <button onClick={() => file.current?.click()}>{t("Open…")}</button>
      <input
        ref={file}
        class="hidden"
        type="file"
        accept=".safetensors"
        tabIndex={-1}
        aria-label={t("Saved state")}
        onChange={(event) => void load(event.currentTarget.files)}
      />
      <button onClick={() => void exported("safetensors")}>{t("Network (safetensors)")}</button>
      <button onClick={() => void exported("svg")}>{t("Drawing (SVG)")}</button>
      <button title={t("A program that makes this network with its weights, to the last bit")} onClick={() => void exported("python")}>
        {t("Network (Python)")}
      </button>
      <button
        title={t("A program that trains the network anew, step by step")}
        onClick={() => void python().then((text) => download("training.py", text, "text/x-python"))}
      >
        {t("Training (Python)")}
      </button>
      <p class="note">
        {t("The address holds the configuration, the seeds and every step. A saved file also has the data and the weights.")}
      </p>
    </div>
  );
}
