// The lessons that come with the page, in their order: one file each, in course/.

import kl from "./course/01-kl.json";
import crossEntropy from "./course/02-cross-entropy.json";
import softmax from "./course/03-softmax.json";
import softOr from "./course/04-soft-or.json";
import xor from "./course/05-xor.json";
import forward from "./course/06-forward.json";
import backward from "./course/07-backward.json";
import bias from "./course/08-bias.json";
import vanishing from "./course/09-vanishing.json";
import dead from "./course/10-dead.json";
import learningRate from "./course/11-learning-rate.json";
import overfitting from "./course/12-overfitting.json";
import ownTable from "./course/13-own-table.json";
import outputUnit from "./course/14-output-unit.json";
import { type Lesson, readLessons } from "./lesson.ts";

const DOCUMENTS = [
  kl,
  crossEntropy,
  softmax,
  softOr,
  xor,
  forward,
  backward,
  bias,
  vanishing,
  dead,
  learningRate,
  overfitting,
  ownTable,
  outputUnit,
];

export const COURSE: Lesson[] = readLessons(JSON.stringify(DOCUMENTS));
