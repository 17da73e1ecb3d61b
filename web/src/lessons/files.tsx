// Files of the lessons: the learner's progress, a teacher's check of it, and lessons of one's own.

import { useState } from "preact/hooks";
import { t } from "../text.ts";
import { checked, type Claim } from "./checking.ts";
import { read, write } from "./progress.ts";
import type { Lessons } from "./state.ts";

interface Report {
  name: string;
  claims: Claim[];
}

export function Progress({ lessons }: { lessons: Lessons }) {
  const [name, setName] = useState("");
  const [said, setSaid] = useState("");
  const [report, setReport] = useState<Report | null>(null);

  const attempt = (work: () => void | Promise<void>) => async () => {
    setSaid("");
    try {
      await work();
    } catch (error) {
      setSaid((error as Error).message);
    }
  };
  const check = (text: string) =>
    attempt(async () => {
      const file = read(text);
      setSaid(t("Checking {n} steps…", { n: file.done.length }));
      setReport({ name: file.name, claims: await checked(file.done, lessons.lessons) });
      setSaid("");
    })();

  return (
    <div class="lesson-files">
      <details>
        <summary>{t("Hand in your progress")}</summary>
        <label>
          {t("Your name")}{" "}
          <input type="text" value={name} onInput={(e) => setName(e.currentTarget.value)} />
        </label>
        <button onClick={() => save(`lessons-${name || "progress"}.json`, write(name, lessons.done))}>
          {t("Save as a file")}
        </button>
        <button onClick={() => lessons.forget()}>{t("Start over")}</button>
      </details>
      <details>
        <summary>{t("For teachers")}</summary>
        <p class="note">
          {t("A file of progress is checked by opening every state in it again.")}
        </p>
        <FileButton label={t("Check a file of progress")} take={(text) => void check(text)} />
        <FileButton
          label={t("Add lessons from a file")}
          take={(text) => void attempt(() => lessons.addFrom(text))()}
        />
        {report && (
          <table class="claims">
            <caption>{t("{name}: {n} steps", { name: report.name, n: report.claims.length })}</caption>
            {report.claims.map((claim) => (
              <tr data-ok={!claim.fault}>
                <td>{t(claim.lesson)}</td>
                <td>{t("Step {n}", { n: claim.step + 1 })}</td>
                <td>{claim.fault || "✓"}</td>
              </tr>
            ))}
          </table>
        )}
      </details>
      <p role="status" class="note">
        {said}
      </p>
    </div>
  );
}

function FileButton({ label, take }: { label: string; take: (text: string) => void }) {
  return (
    <label class="file-button">
      {label}
      <input
        type="file"
        accept=".json,application/json"
        onChange={(event) => {
          const input = event.currentTarget;
          const file = input.files?.[0];
          if (file) void file.text().then(take);
          input.value = "";
        }}
      />
    </label>
  );
}

function save(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
