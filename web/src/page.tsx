// The page starts here. What tests and other programs may use of it is `window.clearprop`.

import "uplot/dist/uPlot.min.css";
import "./page.css";
import { render } from "preact";
import { App } from "./app.tsx";
import { applyTheme } from "./components/theme.tsx";
import { applyLanguage } from "./language.ts";
import * as checking from "./lessons/checking.ts";
import { loadEngine } from "./engine/loaded.ts";
import { Lessons } from "./lessons/state.ts";
import { ACTIVATIONS } from "./model/activations.ts";
import { MODELS } from "./model/index.ts";
import * as maths from "./model/maths.ts";
import { OUTPUT_UNITS } from "./model/output_units.ts";
import { Engine } from "./engine/index.ts";
import * as bench from "./model/workshop/bench.ts";
import { Modes } from "./modes.ts";
import type { Settings, View } from "./protocol.ts";
import { complete, Session } from "./session/session.ts";
import { encode, packed } from "./session/link.ts";
import { payload } from "./session/payload.ts";
import { Store } from "./store.ts";

const session = new Session();
const lesson = lessonOfAddress();
const store = new Store(session);
const lessons = new Lessons(store);
store.onLesson = (id) => void lessons.choose(id);
const modes = new Modes(store);

const clearprop = {
  models: MODELS,
  activations: ACTIVATIONS,
  units: OUTPUT_UNITS,
  maths,
  bench,
  engine: () => Engine.load(),
  session,
  store,
  lessons,
  checking,
  modes,
  payload,
  packed,
  /** All settings of a station, some of them given. */
  complete: (key: string, settings: Settings = {}): Settings => complete(MODELS[key]!, settings),
  /** The view of a station with some settings changed from their defaults. */
  view: (key: string, settings: Settings = {}): View =>
    MODELS[key]!.view(complete(MODELS[key]!, settings)),
  /** The link of a station with some settings changed from their defaults. */
  link: (key: string, settings: Settings = {}): string =>
    encode(MODELS[key]!, complete(MODELS[key]!, settings)),
  /** Until all that was asked is answered and drawn. */
  rest: async (): Promise<void> => {
    do await session.idle();
    while (store.busy);
    store.trail.write();
    for (let k = 0; k < 2; k++) await new Promise(requestAnimationFrame);
  },
};

declare global {
  interface Window {
    clearprop: typeof clearprop;
  }
}
window.clearprop = clearprop;

/** A link such as #lesson=kl opens that lesson, which sets the page up itself. */
function lessonOfAddress(): string {
  const link = location.hash.slice(1) || payload.link || "";
  const id = /^lesson=([\w-]+)$/.exec(link)?.[1] ?? "";
  try {
    if (id) history.replaceState(null, "", location.href.replace(/#.*/, ""));
  } catch {
    // there is no address here
  }
  return id;
}

applyTheme();
applyLanguage();
render(<App store={store} lessons={lessons} modes={modes} />, document.getElementById("page") as HTMLElement);
store
  .start(lesson ? "" : payload.link)
  .then(() => payload.lessons && lessons.addFrom(JSON.stringify(payload.lessons)))
  .then(() => lesson && lessons.choose(lesson))
  .then(clearprop.rest)
  .then(() => performance.mark("drawn"))
  .then(loadEngine)
  .catch((error: Error) => store.update({ error: error.message }))
  .then(clearprop.rest)
  .then(() => (document.documentElement.dataset.ready = ""));
