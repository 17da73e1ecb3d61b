// What is said outside of the station: errors, wrong links, what was done.

import { useState } from "preact/hooks";
import { t } from "../text.ts";
import type { Store } from "../store.ts";

export function Notices({ store }: { store: Store }) {
  return (
    <>
      <div class="notices" aria-live="assertive" role="alert">
        {store.error && (
          <div class="notice error">
            <span>{store.error}</span>
            <button onClick={() => store.update({ error: "" })} aria-label={t("Close the message")}>
              ✕
            </button>
          </div>
        )}
      </div>
      <div class="hidden" role="status" aria-live="polite">
        {store.status}
      </div>
    </>
  );
}

/** Why a link could not be opened, and what may have happened to it. */
export function WrongLink({ store }: { store: Store }) {
  const { wrong } = store;
  if (!wrong) return null;
  return (
    <section class="wrong-link" role="alert" aria-label={t("Wrong link")}>
      <h2>{t("This link cannot be opened")}</h2>
      <p>
        <code>{wrong.reason}</code>
      </p>
      <p>
        {t(
          "Everything that a link shows is in the part of the address after the #. A mail or chat program may have cut it short, or the link may come from another version of this page. Ask for the link again and copy all of it. The page below works without it.",
        )}
      </p>
      <button onClick={() => store.update({ wrong: null })} aria-label={t("Close the message")}>
        {t("Close")}
      </button>
    </section>
  );
}

/** The link to what is shown: the address, or its part after the # where the address is a file's. */
export function ShareLink({ store }: { store: Store }) {
  const [said, setSaid] = useState("");
  const onWeb = /^https?:$/.test(location.protocol);
  const copy = async () => {
    const link = `#${store.state?.link ?? ""}`;
    const address = onWeb ? location.href.replace(/#.*/s, "") + link : link;
    try {
      await navigator.clipboard.writeText(address);
      setSaid(onWeb ? t("Copied") : t("Copied: add it to any copy’s address"));
    } catch {
      setSaid(t("It is the address"));
    }
    setTimeout(() => setSaid(""), onWeb ? 2000 : 5000);
  };
  const title = onWeb
    ? t("The address of this page holds all settings: the same link gives the same numbers")
    : t("What follows the # holds all settings and opens on any copy of this page; paste it into one");
  return (
    <button class="quiet" onClick={() => void copy()} title={title}>
      <span role="status">{said || t("Copy link")}</span>
    </button>
  );
}
