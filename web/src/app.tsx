// The frame of the page: tabs, the open station, what went wrong.

import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { LanguageSwitch } from "./components/language.tsx";
import { ThemeSwitch } from "./components/theme.tsx";
import { Notices, ShareLink, WrongLink } from "./components/notices.tsx";
import icon from "./favicon.svg";
import { language } from "./language.ts";
import { LessonButton, LessonPanel } from "./lessons/panel.tsx";
import type { Lessons } from "./lessons/state.ts";
import type { Modes } from "./modes.ts";
import { PAGES } from "./stations.tsx";
import { recall, remember } from "./storage.ts";
import type { Store } from "./store.ts";
import { t } from "./text.ts";

interface Parts {
  store: Store;
  lessons: Lessons;
  modes: Modes;
}

export function App({ store, lessons, modes }: Parts) {
  const [, rerender] = useReducer<number, void>((n) => n + 1, 0);
  useLayoutEffect(() => store.subscribe(() => rerender()), [store]);
  const { state } = store;
  const info = store.stations.find((station) => station.key === state?.station);
  const Page = state ? PAGES[state.station] : undefined;
  return (
    <>
      <header class="top">
        <span class="brand">
          <img src={icon} alt="" width={26} height={26} />
          <span>clearprop</span>
        </span>
        <Tabs store={store} />
        <span class="tools">
          <LessonButton lessons={lessons} />
          <button
            class="quiet present"
            title={t("Large type, one panel at a time: → and ← go on and back, Escape ends")}
            onClick={() => modes.set("present")}
          >
            {t("Present")}
          </button>
          <ShareLink store={store} />
          <LanguageSwitch onChange={() => rerender()} />
          <ThemeSwitch />
        </span>
      </header>
      <Notices store={store} />
      <LessonPanel lessons={lessons} />
      <main>
        <Welcome />
        <WrongLink store={store} />
        {!state && !store.error && <p class="waiting">{t("Loading…")}</p>}
        <div id="station" role="tabpanel" aria-labelledby={`tab-${state?.station}`}>
          {state && info && Page && (
            <Page
              key={`${state.station} ${language()}`}
              settings={state.settings}
              view={state.view}
              info={info}
              set={(changes) => store.set(changes)}
              act={(name, given) => store.act(name, given)}
              store={store}
            />
          )}
        </div>
      </main>
    </>
  );
}

/** What this page is, until it has been read. */
function Welcome() {
  const [read, setRead] = useState(recall("welcome") === "read");
  if (read) return null;
  const close = () => {
    remember("welcome", "read");
    setRead(true);
  };
  return (
    <section class="welcome" aria-label={t("About this page")}>
      <p>
        {t(
          "This page shows everything that a neural network computes. The tabs follow the lecture, one idea each; in the workshop you build a network of your own and train it. All of it is computed here, in your browser, and nothing is sent anywhere. “Copy as Python” gives the program that prints the same numbers.",
        )}
      </p>
      <button onClick={close}>{t("Close")}</button>
    </section>
  );
}

function Tabs({ store }: { store: Store }) {
  const open = store.state?.station;
  const stations = store.stations.filter((station) => station.key in PAGES);
  const list = useRef<HTMLElement>(null);
  useEffect(() => {
    const [nav, tab] = [list.current, document.getElementById(`tab-${open}`)];
    if (!nav || !tab) return;
    const [all, own] = [nav.getBoundingClientRect(), tab.getBoundingClientRect()];
    nav.scrollLeft += own.left + own.width / 2 - (all.left + all.width / 2);
  }, [open]);
  const visit = (key: string) => void store.ask("visit", { station: key });
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const focused = (event.target as HTMLElement).id; // the answer to the press before may be due
    const at = stations.findIndex((station) => `tab-${station.key}` === focused);
    const to = stations[(at + step + stations.length) % stations.length];
    if (!to) return;
    visit(to.key);
    document.getElementById(`tab-${to.key}`)?.focus();
  };
  return (
    <nav aria-label={t("Stations")} ref={list}>
      <div role="tablist" aria-label={t("Stations")} onKeyDown={move}>
        {stations.map((station, i) => (
          <button
            role="tab"
            id={`tab-${station.key}`}
            aria-selected={station.key === open}
            aria-controls="station"
            tabIndex={station.key === open ? 0 : -1}
            title={t(station.slides)}
            onClick={() => visit(station.key)}
          >
            <span class="order" aria-hidden="true">
              {i + 1}
            </span>
            {t(station.title)}
          </button>
        ))}
      </div>
    </nav>
  );
}
