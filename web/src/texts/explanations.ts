// What each control is, its formula, and something to try, by station and setting.
//
// The texts are English; the page translates them as it shows them. *Symbols* stand between asterisks.

import activations from "../data/activations.json";
import initializers from "../data/initializers.json";
import optimizers from "../data/optimizers.json";
import units from "../data/output_units.json";

export interface Explanation {
  what: string;
  formula?: string;
  attempt?: string; // what the reader may try
}

/** What is known of one option of a choice. */
export interface Detail {
  title: string;
  formula: string;
  remark: string;
}

const ACTIVATION: Explanation = {
  what: "The function that each hidden unit applies to its weighted sum. Without one, several layers would compute no more than a single layer does.",
  formula: "h = φ(z)",
  attempt: "compare tanh with ReLU, then with the identity.",
};
const OUTPUT: Explanation = {
  what: "How the last layer’s *z* becomes the prediction *ŷ*, and the loss that compares it with the target *t*. The task decides: numbers, yes or no, or one of several classes.",
  formula: "ŷ = f(z), ℒ(ŷ, t)",
  attempt: "note that *∂ℒ/∂z* is *ŷ − t* for linear, logistic and softmax alike.",
};
const SEED: Explanation = {
  what: "The start of the random numbers. The same seed gives the same numbers, here and in Python.",
  attempt: "train with three seeds: some of what you see is luck.",
};

export const EXPLANATIONS: Record<string, Explanation> = {
  "divergence.outcomes": {
    what: "The number of different events *x*. A new event gets probability 0 in both distributions.",
    attempt: "with two outcomes you have the binary case at the bottom of the page.",
  },
  "divergence.t": {
    what: "The observed label: 1 for yes, 0 for no. Values between are probabilities, as if several people had labelled the same example.",
    formula: "Q = (1 − t, t)",
    attempt: "set *t* = 0.5 and find the *ŷ* with the smallest loss. Why is the loss not 0 there?",
  },
  "divergence.y_hat": {
    what: "The probability of yes that the model predicts.",
    formula: "P = (1 − ŷ, ŷ)",
    attempt: "with *t* = 1, move *ŷ* from 0.9 to 0.99 and from 0.1 to 0.01. Which changes the loss more?",
  },
  "softmax.classes": {
    what: "The number of classes *K*: the network has one output *z* for each of them.",
    attempt: "with two classes, compare ŷ₂ with the sigmoid of z₂ − z₁.",
  },
  "softmax.z": {
    what: "A logit: the score of one class, any real number. Only differences between the logits matter.",
    formula: "ŷₖ = exp(zₖ) / Σⱼ exp(zⱼ)",
    attempt: "raise one logit by 1: its odds against every other class grow by the factor *e* ≈ 2.72.",
  },
  "softmax.shift": {
    what: "A constant that is added to every logit. The factor *eᶜ* cancels, so the probabilities stay the same.",
    formula: "softmax(z + c) = softmax(z)",
    attempt: "set *c* = 1000. A program that computes exp(1002) gets infinity; this one subtracts the largest logit first.",
  },
  "softmax.t": {
    what: "The class that was observed. The loss is the negative logarithm of its probability.",
    formula: "ℒ = −log ŷₜ",
    attempt: "choose the least likely class and watch its bar in the gradient.",
  },
  "circuits.gate": {
    what: "A logical function of bits. A sigmoid neuron computes it if one plane separates the inputs with output 1 from the others; XOR needs two layers.",
    attempt: "compare OR with AND: only the bias differs.",
  },
  "circuits.arity": {
    what: "The number of inputs of the gate.",
    attempt: "add inputs to an AND and watch the bias move.",
  },
  "circuits.t": {
    what: "The gate is 1 if at least this many inputs are 1.",
    formula: "x₁ + … + xₙ ≥ t",
    attempt: "*t* = 1 is OR, *t* = the number of inputs is AND.",
  },
  "circuits.gain": {
    what: "A factor for all weights and the bias. It leaves the decision alone and makes it sharper: the larger the gain, the closer *h* is to a bit.",
    formula: "h = σ(g (w·x + b))",
    attempt: "raise it to 40 and read the slope σ′(z): a neuron that is certain learns nothing.",
  },
  "circuits.x": {
    what: "The bits at the gate’s inputs. Click one to flip it.",
  },
  "circuits.epsilon": {
    what: "How far an input may be from its bit. Real signals are not exactly 0 or 1; a good gate repairs them.",
    attempt: "raise it until the output is further from its bit than the inputs are.",
  },
  "circuits.table": {
    what: "The output that you want for each input. Click a value to flip it.",
    attempt: "find a table that one neuron can compute, then one that it cannot.",
  },
  "circuits.w": {
    what: "The weight of an input: how much, and in which direction, it moves *z*.",
    formula: "z = w·x + b",
    attempt: "give both weights the same sign for OR, and different signs for “x₁ but not x₂”.",
  },
  "circuits.b": {
    what: "The bias moves the line where *z* = 0 without turning it.",
    formula: "w·x + b = 0",
    attempt: "with w = (1, 1), slide *b* from −0.5 to −1.5: OR becomes AND.",
  },
  "circuits.expression": {
    what: "A circuit as formulas, one for each output: & is and, | is or, ^ is exclusive or, ~ is not, s ? b : a chooses.",
    attempt: "“y = a ^ b ^ c” is the parity of three bits.",
  },
  "circuits.bits": {
    what: "The inputs of the circuit. Click one to flip it and follow the signal through the gates.",
  },
  "stepper.inputs": {
    what: "The number of features of an example, and of columns of *W⁽¹⁾*.",
  },
  "stepper.hidden": {
    what: "The layers between input and output. The lecture has three of them.",
    formula: "h⁽ˡ⁾ = φ(W⁽ˡ⁾ h⁽ˡ⁻¹⁾ + b⁽ˡ⁾)",
    attempt: "take all hidden layers away: what is left of back-propagation?",
  },
  "stepper.units": {
    what: "The number of units of this layer: the rows of its weight matrix.",
  },
  "stepper.outputs": {
    what: "The number of outputs *K*: one for a number or for yes and no, one per class for the softmax.",
  },
  "stepper.activation": ACTIVATION,
  "stepper.output": OUTPUT,
  "stepper.seed": SEED,
  "stepper.x": {
    what: "The inputs of an example. Change one and follow it through the lines.",
    attempt: "set an input to 0: which entries of ∂ℒ/∂W⁽¹⁾ vanish, and why?",
  },
  "stepper.t": {
    what: "The target of an example: what the network should predict.",
    attempt: "set it to the prediction *ŷ*: all gradients become 0.",
  },
  "stepper.rows": {
    what: "The number of examples in the batch. The gradient of the batch is the mean of theirs.",
  },
  "stepper.example": {
    what: "One example alone, or the whole batch, as the matrices of the lecture have it.",
  },
  "stepper.line": {
    what: "One line of the computation: first forward, from *x* to ℒ, then backward, from ℒ to each weight.",
    attempt: "click a number in the result to see the terms that it is the sum of.",
  },
  "stepper.differences": {
    what: "A check of the chain rule: move one number a little, compute ℒ again, and divide by the step.",
    formula: "(ℒ(w + ε) − ℒ(w − ε)) / 2ε",
    attempt: "compare it with the entry: how many digits agree?",
  },
  "stepper.diagonal": {
    what: "*∂h/∂z* is a diagonal matrix, because each *h* depends on its own *z* alone. Its product with a vector is an elementwise product, so programs keep only the diagonal.",
    formula: "∂h/∂z = diag{φ′(z)}",
  },
  "outputs.unit": OUTPUT,
  "outputs.classes": {
    what: "The number of classes *K* of the softmax.",
  },
  "outputs.z": {
    what: "The weighted sum that enters the output unit.",
    formula: "z = W h + b",
    attempt: "with *t* = 1, go to *z* = −8: the loss is large, and so must be its gradient.",
  },
  "outputs.logits": {
    what: "A logit: the score of one class.",
    formula: "ŷₖ = exp(zₖ) / Σⱼ exp(zⱼ)",
    attempt: "make a wrong class 10 higher than the observed one.",
  },
  "outputs.t": {
    what: "The target: a real number.",
  },
  "outputs.label": {
    what: "The target: 1 for yes, 0 for no, or a probability between them.",
    attempt: "set it to *ŷ*: the gradient is 0 there.",
  },
  "outputs.count": {
    what: "The target: how often something happened, 0, 1, 2, …",
  },
  "outputs.klass": {
    what: "The target: the class that was observed. In vectors it is a 1 among zeros.",
  },
  "outputs.axis": {
    what: "The logit that the curves vary; the others stay where they are.",
  },
  "outputs.rate": {
    what: "The learning rate: how far each step follows the gradient.",
    formula: "z ← z − α ∂ℒ/∂z",
    attempt: "double it until the curve overshoots.",
  },
  "outputs.steps": {
    what: "The number of steps of gradient descent.",
  },
  "workshop.data": {
    what: "What the network learns from: a made-up set, points that you draw, or a table of your own, which does not leave your computer.",
    attempt: "begin with circles, then spirals: which network do they need?",
  },
  "workshop.n": {
    what: "The number of points, training and test together.",
    attempt: "take 30 points and a large network, and watch the test loss.",
  },
  "workshop.noise": {
    what: "How far points are scattered from where they belong. Noise cannot be learnt, only memorised.",
    attempt: "raise it: training loss can still fall to 0, the test loss cannot.",
  },
  "workshop.classes": {
    what: "The number of classes. More than two need the softmax.",
  },
  "workshop.test_share": {
    what: "The share of the points that training never sees. They show what the network does with new data.",
    attempt: "compare both curves: where they part, the network begins to memorise.",
  },
  "workshop.data_seed": {
    what: "The start of the random numbers that draw the data and choose the test points.",
  },
  "workshop.points": {
    what: "Points that you placed yourself. Choose a class and click in the plot.",
    attempt: "draw a ring around a blob: no line separates them.",
  },
  "workshop.targets": {
    what: "Targets of the curve that you placed yourself: the network learns *t* from *x*.",
    attempt: "draw a step: how many hidden units does it take?",
  },
  "workshop.target": {
    what: "The column of the table that the network learns to predict.",
  },
  "workshop.kinds": {
    what: "How a column is read: as a number, as a category with one input per value, or not at all.",
    attempt: "leave out a column and see what the score loses.",
  },
  "workshop.scaling": {
    what: "Inputs of very different sizes make learning slow: one learning rate must suit all weights.",
    formula: "x ← (x − mean) / standard deviation",
    attempt: "switch it off for a table.",
  },
  "workshop.inputs": {
    what: "What the network is given of each point. A product or a square can make a problem linear.",
    attempt: "for circles, add *x₁²* and *x₂²* and take all hidden layers away.",
  },
  "workshop.hidden": {
    what: "The number of units of each hidden layer, from the input to the output.",
    attempt: "find the smallest network that separates the spirals.",
  },
  "workshop.activation": ACTIVATION,
  "workshop.output": OUTPUT,
  "workshop.initializer": {
    what: "How the first weights are drawn. If they are too small, signals fade from layer to layer; if too large, units saturate.",
    attempt: "set all weights to zero: every unit of a layer learns the same.",
  },
  "workshop.dropout": {
    what: "The share of hidden units that each training step switches off at random, so that no unit can rely on another.",
    formula: "h ← h ⊙ m / (1 − p)",
    attempt: "use it with a large network and few points.",
  },
  "workshop.optimizer": {
    what: "How the gradient becomes a step.",
    attempt: "compare SGD with Adam at the same learning rate.",
  },
  "workshop.learning_rate": {
    what: "How far each step follows the gradient. Too small: nothing happens; too large: the loss jumps or ends in NaN.",
    formula: "θ ← θ − α ∂ℒ/∂θ",
    attempt: "multiply it by 10 until training fails, then go one step back.",
  },
  "workshop.momentum": {
    what: "The share of the last step that is kept: steps in the same direction add up, zigzags cancel.",
    formula: "v ← μv − α ∂ℒ/∂θ, θ ← θ + v",
    attempt: "set it to 0.9 and lower the learning rate.",
  },
  "workshop.batch_size": {
    what: "The number of examples in one step. Small batches give noisy gradients and many steps per epoch.",
    formula: "∂ℒ/∂θ = (1/B) Σₙ ∂ℒₙ/∂θ",
    attempt: "set it to 1, then to all points, and compare the loss curves.",
  },
  "workshop.l1": {
    what: "A penalty on the absolute values of the weights. It makes many weights exactly 0.",
    formula: "ℒ + λ₁ Σ |w|",
    attempt: "raise it until edges of the network disappear.",
  },
  "workshop.l2": {
    what: "A penalty on the squares of the weights. It keeps the surface smooth.",
    formula: "ℒ + ½ λ₂ Σ w²",
    attempt: "use it against overfitting with few points.",
  },
  "workshop.weight_decay": {
    what: "Shrinks every weight a little in each step. With SGD it is the L2 penalty; with Adam it is not.",
    formula: "θ ← θ(1 − αλ)",
  },
  "workshop.seed": SEED,
  "workshop.edges": {
    what: "What the edges show: the weights, or the gradient of the loss with respect to them as dashes that flow back from the output. The wider the dashes, the steeper the loss in that weight.",
    attempt: "initialise six layers of logistic units and look at how little arrives at the first.",
  },
  "workshop.hidden_space": {
    what: "The training rows where two units of a hidden layer put them. The rest of the network sees only this space, and the last layer draws a straight line through it.",
    attempt: "take circles and a last hidden layer of two units, and watch the ring come apart from the disc.",
  },
  "workshop.surface": {
    what: "The mean loss of the training rows on a plane through the present parameters, with the path of the run. The main directions are those in which the run moved most.",
    formula: "ℒ(θ + a·u + b·v)",
    attempt: "compare a small and a large learning rate: does the path follow the valley or jump across it?",
  },
  "workshop.step": {
    what: "Train takes steps until you pause. A step by example shows the numbers of one row; a mini-batch changes the weights once; an epoch is once through the training points.",
  },
  "workshop.history": {
    what: "The steps so far. Go back to any of them: the network computes it again, with the same numbers.",
    attempt: "go back to where the test loss was lowest and continue with a smaller learning rate.",
  },
};

const DETAILS: Record<string, readonly Record<string, any>[]> = {
  activation: activations,
  initializer: initializers,
  optimizer: optimizers,
};

export function explanationOf(path: string): Explanation | undefined {
  return EXPLANATIONS[path];
}

/** The text of the chosen option, where options have texts. */
export function detailOf(path: string, value: unknown): Detail | undefined {
  const setting = path.split(".")[1] ?? "";
  if (setting === "output" || setting === "unit") {
    const unit = units.find(({ name }) => name === value);
    return unit && { title: unit.title, formula: `${unit.y_hat_line}, ${unit.loss_line}`, remark: unit.remark };
  }
  const found = DETAILS[setting]?.find(({ name }) => name === value);
  return found && { title: found.title, formula: found.formula, remark: found.remark };
}
