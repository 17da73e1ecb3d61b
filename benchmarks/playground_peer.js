// A peer for benchmarks/playground.py: training as TensorFlow Playground does it.
//
// A network is a graph of units and links, objects all of them. Each example goes forward and backward
// by itself, and its derivatives are added up at units and links; after each mini-batch they are
// divided by the number of examples and subtracted. The output is one tanh unit with the squared error,
// targets are −1 and 1, biases begin at 0.1 and weights between −½ and ½. An epoch ends with the loss
// over the training and the test examples. A port of the published loop (src/nn.ts and oneStep of
// src/playground.ts of that project), without its drawing.

const TANH = { value: Math.tanh, slope: (z) => 1 - Math.tanh(z) ** 2 };

function unit() {
  return { bias: 0.1, into: [], out: [], z: 0, h: 0, byOutput: 0, byInput: 0, sum: 0, count: 0 };
}

function network(sizes) {
  const layers = sizes.map((n) => Array.from({ length: n }, unit));
  layers.slice(1).forEach((layer, l) => {
    for (const target of layer)
      for (const source of layers[l]) {
        const link = { source, target, weight: Math.random() - 0.5, sum: 0, count: 0 };
        source.out.push(link);
        target.into.push(link);
      }
  });
  return layers;
}

function forward(layers, x) {
  layers[0].forEach((u, i) => (u.h = x[i]));
  for (let l = 1; l < layers.length; l++)
    for (const u of layers[l]) {
      u.z = u.bias;
      for (const link of u.into) u.z += link.weight * link.source.h;
      u.h = TANH.value(u.z);
    }
  return layers[layers.length - 1][0].h;
}

function backward(layers, t) {
  const last = layers[layers.length - 1][0];
  last.byOutput = last.h - t;
  for (let l = layers.length - 1; l >= 1; l--) {
    for (const u of layers[l]) {
      u.byInput = u.byOutput * TANH.slope(u.z);
      u.sum += u.byInput;
      u.count++;
    }
    for (const u of layers[l])
      for (const link of u.into) {
        link.sum += u.byInput * link.source.h;
        link.count++;
      }
    if (l > 1)
      for (const u of layers[l - 1]) {
        u.byOutput = 0;
        for (const link of u.out) u.byOutput += link.weight * link.target.byInput;
      }
  }
}

function update(layers, rate) {
  for (let l = 1; l < layers.length; l++)
    for (const u of layers[l]) {
      if (u.count) u.bias -= (rate * u.sum) / u.count;
      u.sum = u.count = 0;
      for (const link of u.into) {
        if (link.count) link.weight -= (rate / link.count) * link.sum;
        link.sum = link.count = 0;
      }
    }
}

function meanLoss(layers, points) {
  let total = 0;
  for (const { x, t } of points) total += 0.5 * (forward(layers, x) - t) ** 2;
  return total / points.length;
}

/** A run of that kind: `epoch()` trains one epoch and returns the two losses. */
function peer(sizes, train, test, batchSize, rate) {
  const layers = network(sizes);
  return {
    epoch() {
      train.forEach(({ x, t }, i) => {
        forward(layers, x);
        backward(layers, t);
        if ((i + 1) % batchSize === 0) update(layers, rate);
      });
      return [meanLoss(layers, train), meanLoss(layers, test)];
    },
  };
}
