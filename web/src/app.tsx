// The frame of the page: tabs, the open station, what went wrong.

import { useLayoutEffect, useReducer } from "preact/hooks";
import { ThemeSwitch } from "./components/theme.tsx";
import { Notices, ShareLink, WrongLink } from "./components/notices.tsx";
import icon from "./favicon.svg";
import { LessonButton, LessonPanel } from "./lessons/panel.tsx";
import type { Lessons } from "./lessons/state.ts";
import type { Modes } from "./modes.ts";
import { PAGES } from "./stations.tsx";
import type { Store } from "./store.ts";
import { t } from "./text.ts";

interface Parts {
  store: Store;
  lessons?: Lessons;
  modes?: Modes;
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
          clearprop <span class="faint">playground</span>
        </span>
        <Tabs store={store} />
        <span class="tools">
          {lessons && <LessonButton lessons={lessons} />}
          {modes && (
            <button
              class="quiet"
              title={t("Large type, one panel at a time: → and ← go on and back, Escape ends")}
              onClick={() => modes.set("present")}
            >
              {t("Present")}
            </button>
          )}
          <ShareLink store={store} />
          <ThemeSwitch />
        </span>
      </header>
      <Notices store={store} />
      {lessons && <LessonPanel lessons={lessons} />}
      <main>
        <WrongLink store={store} />
        {!state && !store.lost && <p class="waiting">Loading…</p>}
        <div id="station" role="tabpanel" aria-labelledby={`tab-${state?.station}`}>
          {state && info && Page && (
            <Page
              key={state.station}
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

function Tabs({ store }: { store: Store }) {
  const open = store.state?.station;
  const stations = store.stations.filter((station) => station.key in PAGES);
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
    <nav aria-label="Stations">
      <div role="tablist" aria-label="Stations" onKeyDown={move}>
        {stations.map((station, i) => (
          <button
            role="tab"
            id={`tab-${station.key}`}
            aria-selected={station.key === open}
            aria-controls="station"
            tabIndex={station.key === open ? 0 : -1}
            title={station.slides}
            onClick={() => visit(station.key)}
          >
            <span class="order" aria-hidden="true">
              {i + 1}
            </span>
            {station.title}
          </button>
        ))}
      </div>
    </nav>
  );
}
