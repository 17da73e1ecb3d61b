"""The page of the playground: its size, how fast it loads, trains and draws, beside a peer.

Run: python benchmarks/playground.py (needs Chromium, and the extra test)

The peer trains as TensorFlow Playground does (playground_peer.js, a port of its loop), in the same
tab and in alternation. --source nn.ts takes that project's own network code instead, a file of one
of its checkouts; it is translated with the esbuild of web/node_modules. Both sides compute the
losses of the training and of the test rows after each epoch. Neither draws.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from browser import chromium  # after the path is set
from page import FILE, Page

ROOT = Path(__file__).parents[1]
PEER = Path(__file__).with_name("playground_peer.js")
CASES: dict[str, dict[str, Any]] = {
    "circles, 2-4-2-1": {"data": "circles", "hidden": [4, 2]},
    "XOR, 2-4-1": {"data": "xor", "hidden": [4]},
    "spirals, 2-8-8-1": {"data": "spirals", "hidden": [8, 8]},
    "moons, 2-16-16-16-1": {"data": "moons", "hidden": [16, 16, 16]},
}
COMMON = {
    "n": 500,
    "test_share": 0.5,
    "batch_size": 10,
    "learning_rate": 0.03,
    "activation": ["tanh"],
}
ROUNDS, MILLISECONDS, SECONDS = 7, 300, 3

# how the page's run and the peer are made, and epochs per second of each in turn
PREPARE = """async (settings) => {
  const {Run, datasetFromSettings} = clearprop.bench;
  const engine = await clearprop.engine();
  const whole = clearprop.complete("workshop", settings);
  const dataset = datasetFromSettings(engine, whole, null);
  const run = new Run(engine, whole, dataset);
  const points = (X, t, n) => Array.from({length: n}, (_, i) => ({
    x: [X[2 * i], X[2 * i + 1]], t: t[i] ? 1 : -1,
  }));
  const train = points(dataset.X, dataset.t, dataset.n), test =
    points(dataset.X_test, dataset.t_test, dataset.n_test);
  const other = peer([2, ...settings.hidden, 1], train, test, settings.batch_size,
    settings.learning_rate);
  const epochs = [() => run.advanceEpoch(), () => other.epoch()];
  window.measure = (milliseconds) => epochs.map((epoch) => {
    const start = performance.now();
    let n = 0;
    while (performance.now() < start + milliseconds) { epoch(); n++; }
    return 1000 * n / (performance.now() - start);
  });
  measure(200);
}"""

# the loop of TensorFlow Playground's `oneStep`, over its own nn.ts
SOURCE = """
function peer(sizes, train, test, batchSize, rate) {
  const layers = nn.buildNetwork(sizes, nn.Activations.TANH, nn.Activations.TANH, null,
    sizes.slice(0, 1).flatMap((n) => Array.from({length: n}, (_, i) => String(i))));
  const loss = (points) => points.reduce((sum, {x, t}) =>
    sum + nn.Errors.SQUARE.error(nn.forwardProp(layers, x), t), 0) / points.length;
  return {epoch() {
    train.forEach(({x, t}, i) => {
      nn.forwardProp(layers, x);
      nn.backProp(layers, t, nn.Errors.SQUARE);
      if ((i + 1) % batchSize === 0) nn.updateWeights(layers, rate, 0);
    });
    return [loss(train), loss(test)];
  }};
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--source", type=Path, help="nn.ts of a checkout of TensorFlow Playground")
    source = parser.parse_args().source
    show_sizes()
    with chromium() as browser:
        page = Page(browser, bypass_csp=True)  # so that the peer may be added
        show_loading(page)
        page.tab.add_script_tag(content=peer_script(source))
        print("epochs per second without drawing: clearprop, peer, ratio (least, median, largest)")
        for name, case in CASES.items():
            show_case(page, name, {**COMMON, **case})
        print("with all panels drawn: epochs per second, pictures per second")
        for name, case in CASES.items():
            show_drawing(page, name, {**COMMON, **case})
        page.close()


def show_sizes() -> None:
    engine = ROOT / "web" / "src" / "engine" / "engine.wasm"
    for title, path in (("page", FILE), ("engine", engine)):
        data = path.read_bytes()
        packed = len(gzip.compress(data, 9))
        print(f"{title}: {len(data) / 1000:.0f} kB, {packed / 1000:.0f} kB gzipped")


def show_loading(page: Page) -> None:
    times = []
    for _ in range(ROUNDS):
        page.go("")
        times.append(page.evaluate("performance.getEntriesByName('drawn')[0].startTime"))
    print(
        f"loaded and drawn in {statistics.median(times):.0f} ms ({min(times):.0f}–{max(times):.0f})"
    )


def peer_script(source: Path | None) -> str:
    if source is None:
        return PEER.read_text(encoding="utf-8")
    esbuild = ROOT / "web" / "node_modules" / ".bin" / "esbuild"
    command = [esbuild, source, "--bundle", "--format=iife", "--global-name=nn"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout + SOURCE


def show_case(page: Page, name: str, settings: dict[str, Any]) -> None:
    page.evaluate(PREPARE, settings)
    rounds = [page.evaluate("m => measure(m)", MILLISECONDS) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(each) for each in zip(*rounds, strict=True))
    ratios = sorted(a / b for a, b in rounds)
    spread = f"{ratios[0]:.1f}, {statistics.median(ratios):.1f}, {ratios[-1]:.1f}"
    print(f"  {name}: {ours:,.0f}, {theirs:,.0f}, {spread}")


def show_drawing(page: Page, name: str, settings: dict[str, Any]) -> None:
    page.open("workshop", **settings)
    page.tab.get_by_role("button", name="Train", exact=True).click()
    read = "[+document.documentElement.dataset.frames, clearprop.store.live.frame.numbers.epoch]"
    page.tab.wait_for_timeout(500)
    pictures, epochs = page.evaluate(read)
    page.tab.wait_for_timeout(1000 * SECONDS)
    later = page.evaluate(read)
    page.tab.get_by_role("button", name="Pause", exact=True).click()
    pace, rate = (later[1] - epochs) / SECONDS, (later[0] - pictures) / SECONDS
    print(f"  {name}: {pace:,.0f}, {rate:.0f}")


if __name__ == "__main__":
    main()
