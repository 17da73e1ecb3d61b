import "uplot/dist/uPlot.min.css";
import "./page.css";
import { render } from "preact";
import { App } from "./app.tsx";
import { Client } from "./client.ts";
import { Store } from "./store.ts";
import { applyTheme } from "./components/theme.tsx";

applyTheme();
const store = new Store(() => new Client());
render(<App store={store} />, document.getElementById("page") as HTMLElement);
store.start().catch((error: Error) => store.update({ lost: error.message }));
