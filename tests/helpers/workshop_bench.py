"""The workshop of a page, worked by commands: what tests of its runs share."""

from __future__ import annotations

import base64

import numpy as np

TABLE = "size,colour,when,kept,price\n" + "".join(
    f"{i % 17}.5,{'red' if i % 3 else 'blue'},2024-0{1 + i % 9}-11,"
    f"{'true' if i % 2 else 'false'},{(i * 37 % 101) / 7}\n"
    for i in range(120)
)
SPIRALS = {"data": "spirals", "n": 400, "hidden": [8, 8], "optimizer": "adam"}
RUNS = {
    "SGD": {"run": "300"},
    "Adam, dropout": {**SPIRALS, "dropout": 0.2, "run": "300"},
    "regression, L2, legs": {
        "data": "hills",
        "output": "linear",
        "batch_size": 7,
        "l2": 0.01,
        "run": "150~b1.0:0.25;learning_rate:0.1;100~optimizer:nadam;batch_size:30;50",
    },
    "five classes, momentum": {
        "data": "blobs",
        "classes": 5,
        "output": "softmax",
        "activation": ["relu", "logistic"],
        "momentum": 0.9,
        "initializer": "he_normal",
        "run": "300",
    },
    "AdamW, L1, no hidden layer": {
        "hidden": [],
        "inputs": ["x1", "x2", "x1^2", "sin x2"],
        "optimizer": "adamw",
        "weight_decay": 0.1,
        "l1": 0.001,
        "run": "W1.0.1:0.5;300",
    },
    "RMSprop, no test rows": {
        "data": "moons",
        "test_share": 0,
        "optimizer": "rmsprop",
        "learning_rate": 0.01,
        "activation": ["selu", "gelu"],
        "run": "300",
    },
    "Lion, a curve": {
        "data": "wave",
        "output": "huber",
        "optimizer": "lion",
        "learning_rate": 0.001,
        "activation": ["mish"],
        "run": "299",
    },
    "overfitting": {**SPIRALS, "learning_rate": 0.01, "noise": 0.4, "n": 100, "run": "2000"},
    "a table": {
        "data": "table",
        "target": "price",
        "output": "linear",
        "hidden": [4],
        "kinds": [["when", "ignore"]],
        "run": "200",
    },
    "logistic, squared error": {
        "data": "xor",
        "output": "logistic_squared_error",
        "hidden": [4],
        "learning_rate": 0.3,
        "run": "300",
    },
    "into NaN": {"data": "hills", "output": "linear", "learning_rate": 10, "run": "90"},
}

# A command with a file, both ways as base64; its error as a text.
ASK = """async ([command, given, file]) => {
  const decode = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const bytes = file === null ? undefined : decode(file);
  try {
    const reply = await clearprop.session.ask(command, given, bytes);
    const text = (file) => btoa(Array.from(file, (b) => String.fromCharCode(b)).join(""));
    if (reply.file) reply.file = text(reply.file);
    return JSON.parse(JSON.stringify(reply));
  } catch (error) {
    return { error: error.message };
  }
}"""
FRAME = """() => {
  const { frame } = clearprop.store.live;
  const plain = (_, v) => (typeof v === "number" && !Number.isFinite(v) ? String(v) : v);
  const { numbers, training, replaying, n_steps, nonfinite, theta } = frame;
  return JSON.parse(JSON.stringify(
    { numbers, training, replaying, n_steps, nonfinite, theta: Array.from(theta) }, plain));
}"""

REPORT = """async (part) => {
  const { report } = await clearprop.session.ask("report", { part });
  const plain = (_, v) => (typeof v === "number" && !Number.isFinite(v) ? String(v) : v);
  return JSON.parse(JSON.stringify(report, plain));
}"""


class Bench:
    """The workshop of a page, worked by commands."""

    def __init__(self, page):
        self.page = page

    def ask(self, command, file=None, **given):
        text = None if file is None else base64.b64encode(file).decode()
        reply = self.page.evaluate(ASK, [command, given, text])
        if "file" in reply:
            reply["file"] = base64.b64decode(reply["file"])
        return reply

    def set(self, **changes):
        return self.ask("set", changes=changes)

    def open(self, **settings):
        link = self.page.evaluate("s => clearprop.link('workshop', s)", settings)
        assert "error" not in self.ask("open", link=link)
        self.arrive()

    def wait(self, condition):
        """Wait until a condition on `frame` holds."""
        check = f"(({{ frame }}) => {condition})(clearprop.store.live)"
        pause = "await new Promise((resolve) => setTimeout(resolve, 5))"
        self.page.evaluate(f"async () => {{ while (!({check})) {pause}; }}")

    def arrive(self):
        """Wait until a recorded run is replayed."""
        self.wait("!frame.replaying")

    @property
    def frame(self):
        return self.page.evaluate(FRAME)

    @property
    def theta(self):
        return np.array(self.frame["theta"])

    @property
    def step(self):
        return self.frame["numbers"]["step"]

    def train(self, until):
        """Train at full speed until a condition on `frame` holds; it stops at NaN."""
        self.ask("train", speed="most")
        self.wait(f"!frame.training || {until}")
        self.ask("pause")

    def report(self, part="test"):
        return self.page.evaluate(REPORT, part)

    def codes(self):
        return self.report("train")["numbers"]["findings"]
