// What is said outside of the station: errors, a lost connection, what was done.

import { useState } from "preact/hooks";
import type { Store } from "../store.ts";

export function Notices({ store }: { store: Store }) {
  return (
    <>
      <div class="notices" aria-live="assertive" role="alert">
        {store.lost && (
          <div class="notice lost">
            <span>{store.lost}</span>
            <button onClick={() => void store.reconnect()}>Reconnect</button>
          </div>
        )}
        {store.error && (
          <div class="notice error">
            <span>{store.error}</span>
            <button onClick={() => store.update({ error: "" })} aria-label="Close the message">
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

export function ShareLink() {
  const [said, setSaid] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      setSaid("Copied");
    } catch {
      setSaid("It is the address");
    }
    setTimeout(() => setSaid(""), 2000);
  };
  return (
    <button
      class="quiet"
      onClick={() => void copy()}
      title="The address of this page holds all settings: the same link gives the same numbers"
    >
      <span role="status">{said || "Copy link"}</span>
    </button>
  );
}
