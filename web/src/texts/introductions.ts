// A paragraph for each station, as a teacher would open it. *Symbols* stand between asterisks.

export const INTRODUCTIONS: Record<string, string> = {
  divergence:
    "A model’s prediction is a distribution *P*; the data have a distribution *Q*. How far apart are they? The Kullback–Leibler divergence says how much is lost, on average, if you expect *P* and *Q* happens. Drag a bar: the others rescale so that all add up to 1. If *Q* is an observed label, its entropy is 0, and the divergence is the cross-entropy: the loss with which networks learn to classify.",
  softmax:
    "The outputs *z* of a network may be any numbers, yet a prediction must be a distribution: nothing negative, and a sum of 1. Softmax takes the exponential of each *z* and divides by their sum. Only differences between the *z* count. With cross-entropy as the loss, the gradient is as simple as it can be: *ŷ − t*, what was predicted minus what was observed.",
  circuits:
    "A sigmoid neuron with large weights, and a bias as its threshold, is a soft logic gate. Two inputs and one bias make an OR or an AND; no choice of weights makes an XOR, and the page proves it. Two layers can do it, and layers of gates can compute whatever a digital circuit computes. The gain *g* sets how sharp the gates are, and how little a sharp gate can learn.",
  stepper:
    "This is the whole computation, line by line: forward from *x* to the loss, then backward from the loss to every weight. Each line is an equation of the slides, with its shapes and its numbers. Choose a number in a result: its terms light up, and a difference quotient checks it. Back-propagation is no more than the chain rule, in an order in which nothing is computed twice. Step with Next, Page Down and Page Up, or the arrow keys.",
  outputs:
    "The task decides the output unit: a number is a linear unit, yes or no a logistic one, one class out of several a softmax. Each unit has a loss that fits it, so well that the unit’s own slope cancels and *∂ℒ/∂z = ŷ − t* is left. With another loss the slope stays, and a confidently wrong unit learns nothing. Set *z* far on the wrong side and compare.",
  workshop:
    "Here a network learns while you watch. Choose data, layers and an optimiser, press Train, and follow the loss, the decision boundary, and every weight. The same numbers come out in Python, to the last bit, with the code that the page gives you. Change one thing at a time, and predict what will happen before you press Train.",
};
