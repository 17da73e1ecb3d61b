"""Short texts about activations, output units and training, for people who learn.

Formulas that the library computes with have their home beside the code that computes; here is what
a reader wants to know beyond them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class AboutActivation:
    """title: its name in a sentence; range: the values of φ; remark: what it is good for."""

    title: str
    range: str
    remark: str


@dataclass(frozen=True)
class AboutOutput:
    """y_hat_line, loss_line: ŷ and ℒ in one line each; remark: when to take the unit."""

    y_hat_line: str
    loss_line: str
    remark: str


@dataclass(frozen=True)
class AboutMethod:
    """title: its name in a sentence; formula: one line; remark: when to take it."""

    title: str
    formula: str
    remark: str


ABOUT_ACTIVATIONS: Mapping[str, AboutActivation] = {
    "identity": AboutActivation(
        "identity",
        "(−∞, ∞)",
        "Without a nonlinearity, several layers compute no more than one layer does.",
    ),
    "logistic": AboutActivation(
        "logistic (sigmoid)",
        "(0, 1)",
        "A soft switch. Its slope is at most ¼, so gradients shrink with each layer.",
    ),
    "tanh": AboutActivation(
        "tanh",
        "(−1, 1)",
        "A sigmoid around 0, with slope 1 at 0. It saturates for large |z|.",
    ),
    "relu": AboutActivation(
        "ReLU",
        "[0, ∞)",
        "Simple and fast; slope 1 where it is active. "
        "A unit whose z is negative for all examples is dead: it learns nothing.",
    ),
    "leaky_relu": AboutActivation(
        "leaky ReLU",
        "(−∞, ∞)",
        "ReLU with a small slope for negative z, so that no unit dies.",
    ),
    "elu": AboutActivation(
        "ELU",
        "(−1, ∞)",
        "Like ReLU, but smooth at 0 and negative on the left, so that its mean is nearer to 0.",
    ),
    "selu": AboutActivation(
        "SELU",
        "(−1.76, ∞)",
        "An ELU scaled so that mean 0 and variance 1 carry over from layer to layer.",
    ),
    "gelu": AboutActivation(
        "GELU",
        "[−0.17, ∞)",
        "A smooth ReLU: z times the probability that a normal number is below z. "
        "Common in transformers.",
    ),
    "silu": AboutActivation(
        "SiLU (swish)",
        "[−0.28, ∞)",
        "A smooth ReLU: z times its sigmoid.",
    ),
    "mish": AboutActivation(
        "Mish",
        "[−0.31, ∞)",
        "A smooth ReLU, close to SiLU.",
    ),
    "hardtanh": AboutActivation(
        "hard tanh",
        "[−1, 1]",
        "tanh in three straight pieces. Its slope is exactly 0 outside −1 to 1.",
    ),
    "hardswish": AboutActivation(
        "hard swish",
        "[−0.375, ∞)",
        "SiLU without an exponential, for small devices.",
    ),
    "softsign": AboutActivation(
        "softsign",
        "(−1, 1)",
        "Like tanh, but it saturates more slowly.",
    ),
    "softplus": AboutActivation(
        "softplus",
        "(0, ∞)",
        "A smooth ReLU that is always positive; its slope is the sigmoid.",
    ),
}

ABOUT_OUTPUTS: Mapping[str, AboutOutput] = {
    "linear": AboutOutput(
        "ŷ = z",
        "ℒ = ½ Σₖ (ŷₖ − tₖ)²",
        "For real numbers. The best constant prediction is the mean.",
    ),
    "logistic": AboutOutput(
        "ŷ = σ(z) = 1/(1 + e⁻ᶻ)",
        "ℒ = −t log ŷ − (1 − t) log(1 − ŷ)",
        "For yes or no: ŷ is the probability of yes.",
    ),
    "logistic_squared_error": AboutOutput(
        "ŷ = σ(z) = 1/(1 + e⁻ᶻ)",
        "ℒ = ½ (ŷ − t)²",
        "For comparison only: a unit that is confident and wrong hardly learns.",
    ),
    "softmax": AboutOutput(
        "ŷₖ = exp(zₖ) / Σⱼ exp(zⱼ)",
        "ℒ = −Σₖ tₖ log ŷₖ",
        "For one class out of K: ŷ is a distribution over the classes.",
    ),
    "absolute_error": AboutOutput(
        "ŷ = z",
        "ℒ = |ŷ − t|",
        "For real numbers with outliers. The best constant prediction is the median.",
    ),
    "huber": AboutOutput(
        "ŷ = z",
        "ℒ = ½ r² for |r| ≤ 1, else |r| − ½, with r = ŷ − t",
        "Squared error for small errors, absolute error for large ones.",
    ),
    "poisson": AboutOutput(
        "ŷ = exp(z)",
        "ℒ = ŷ − t log ŷ + t log t − t",
        "For counts: ŷ is the expected count, which is always positive.",
    ),
}

ABOUT_INITIALIZERS: Mapping[str, AboutMethod] = {
    "auto": AboutMethod(
        "chosen by the activation",
        "He for ReLU and its smooth forms, LeCun for SELU, else Glorot",
        "The right choice unless you want to see what another scheme does.",
    ),
    "glorot_uniform": AboutMethod(
        "Glorot, uniform",
        "W ~ U(−a, a), a = √(6/(fan_in + fan_out))",
        "Keeps the variance of signals and gradients about equal from layer to layer; for tanh.",
    ),
    "glorot_normal": AboutMethod(
        "Glorot, normal",
        "W ~ N(0, 2/(fan_in + fan_out))",
        "As Glorot uniform, from a normal law.",
    ),
    "he_uniform": AboutMethod(
        "He, uniform",
        "W ~ U(−a, a), a = √(6/fan_in)",
        "Twice LeCun’s variance, because ReLU sets half of its inputs to 0.",
    ),
    "he_normal": AboutMethod(
        "He, normal",
        "W ~ N(0, 2/fan_in)",
        "As He uniform, from a normal law.",
    ),
    "lecun_uniform": AboutMethod(
        "LeCun, uniform",
        "W ~ U(−a, a), a = √(3/fan_in)",
        "Keeps the variance of the signals; for SELU.",
    ),
    "lecun_normal": AboutMethod(
        "LeCun, normal",
        "W ~ N(0, 1/fan_in)",
        "As LeCun uniform, from a normal law.",
    ),
    "orthogonal": AboutMethod(
        "orthogonal",
        "WᵀW = I or WWᵀ = I",
        "A random rotation: it neither stretches nor shrinks a signal.",
    ),
    "zeros": AboutMethod(
        "all zero",
        "W = 0",
        "All units of a hidden layer start equal and stay equal: a layer with one unit in effect.",
    ),
}

ABOUT_OPTIMIZERS: Mapping[str, AboutMethod] = {
    "sgd": AboutMethod(
        "stochastic gradient descent",
        "v ← μv − α ∂ℒ/∂θ, θ ← θ + v",
        "The lecture’s rule; with momentum μ the steps gather speed.",
    ),
    "adam": AboutMethod(
        "Adam",
        "m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², θ ← θ − αₜ m/(√v + ε)",
        "Divides each step by the usual size of that gradient, so all weights move alike.",
    ),
    "adamw": AboutMethod(
        "AdamW",
        "θ ← θ(1 − αλ), then Adam’s step",
        "Adam with weight decay.",
    ),
    "rmsprop": AboutMethod(
        "RMSprop",
        "v ← ρv + (1 − ρ)g², θ ← θ − α g/(√v + ε)",
        "Adam without momentum.",
    ),
    "nadam": AboutMethod(
        "NAdam",
        "Adam’s step with the momentum looked ahead",
        "Adam with Nesterov’s momentum.",
    ),
    "lion": AboutMethod(
        "Lion",
        "θ ← θ − α sign(β₁m + (1 − β₁)g), m ← β₂m + (1 − β₂)g",
        "Every weight moves by exactly α; take α three to ten times smaller than for Adam.",
    ),
}

PENALTIES: Mapping[str, AboutMethod] = {
    "l1": AboutMethod(
        "L1 penalty",
        "ℒ + λ₁ Σ |w|",
        "Pulls every weight towards 0 by the same amount: many weights end at exactly 0.",
    ),
    "l2": AboutMethod(
        "L2 penalty",
        "ℒ + ½ λ₂ Σ w²",
        "Pulls every weight towards 0 in proportion to its size.",
    ),
    "weight_decay": AboutMethod(
        "weight decay",
        "θ ← θ(1 − αλ)",
        "Shrinks every weight in each step; with SGD the same as an L2 penalty.",
    ),
    "dropout": AboutMethod(
        "dropout",
        "h ← h ⊙ m; m is 0 with probability p, else 1/(1 − p)",
        "Switches a share p of the hidden units off, others at each step, during training only.",
    ),
}
