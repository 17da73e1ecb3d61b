// The panel of lessons beside the station: the list, a lesson's step, and the progress file.

import { useLayoutEffect, useReducer } from "preact/hooks";
import { t } from "../text.ts";
import { verdicts } from "./checking.ts";
import type { Prediction, Step } from "./lesson.ts";
import { Progress } from "./files.tsx";
import { isIn, share } from "./progress.ts";
import { Prose } from "./prose.tsx";
import type { Lessons } from "./state.ts";

export function LessonButton({ lessons }: { lessons: Lessons }) {
  useLessons(lessons);
  const { shown } = lessons;
  return (
    <button class="quiet" aria-pressed={shown} onClick={() => lessons.show(!shown)}>
      {t("Lessons")}
    </button>
  );
}

export function LessonPanel({ lessons }: { lessons: Lessons }) {
  useLessons(lessons);
  if (!lessons.shown) return null;
  return (
    <aside class="lessons" aria-label={t("Lessons")}>
      <header>
        {lessons.open ? (
          <button class="quiet" onClick={() => lessons.choose(null)}>
            ‹ {t("All lessons")}
          </button>
        ) : (
          <h2>{t("Lessons")}</h2>
        )}
        <button class="quiet" onClick={() => lessons.show(false)} aria-label={t("Close the lessons")}>
          ✕
        </button>
      </header>
      {lessons.open ? <OpenLesson lessons={lessons} /> : <List lessons={lessons} />}
    </aside>
  );
}

function List({ lessons }: { lessons: Lessons }) {
  return (
    <>
      <p class="note">
        {t("Each lesson asks for a prediction, gives you something to do, and checks the result.")}
      </p>
      <ol class="lesson-list">
        {lessons.lessons.map((lesson) => {
          const [n, of] = share(lessons.done, lesson);
          return (
            <li>
              <button onClick={() => lessons.choose(lesson.id)}>
                <span>{t(lesson.title)}</span>
                <span class="note">
                  {n === of && of > 0 ? t("✓ done") : t("{n} of {of}", { n, of })}
                </span>
              </button>
            </li>
          );
        })}
      </ol>
      <Progress lessons={lessons} />
    </>
  );
}

function OpenLesson({ lessons }: { lessons: Lessons }) {
  const { at } = lessons;
  const lesson = lessons.open!;
  const step = lessons.step!;
  const last = at === lesson.steps.length - 1;
  const following = lessons.lessons[lessons.lessons.indexOf(lesson) + 1];
  return (
    <div class="lesson">
      <h2>{t(lesson.title)}</h2>
      {lesson.slides && <p class="note">{t("Slides: {slides}", { slides: t(lesson.slides) })}</p>}
      <p class="goal">
        <strong>{t("Goal")}</strong> <Prose text={lesson.goal} />
      </p>
      <nav class="lesson-steps" aria-label={t("Steps of the lesson")}>
        {lesson.steps.map((one, k) => {
          const done = !!one.check && isIn(lessons.done, lesson.id, k);
          return (
            <button
              aria-current={k === at ? "step" : undefined}
              aria-label={t(done ? "Step {n}, done" : "Step {n}", { n: k + 1 })}
              onClick={() => lessons.go(k)}
            >
              {done ? "✓" : k + 1}
            </button>
          );
        })}
      </nav>
      <StepView key={lessons.place} lessons={lessons} step={step} />
      <footer>
        <button disabled={at === 0} onClick={() => lessons.go(at - 1)}>
          {t("Back")}
        </button>
        {!last && (
          <button class="primary" onClick={() => lessons.go(at + 1)}>
            {t("Next step")}
          </button>
        )}
        {last && following && (
          <button class="primary" onClick={() => lessons.choose(following.id)}>
            {t("Next lesson: {title}", { title: t(following.title) })}
          </button>
        )}
      </footer>
      {last && lesson.next && (
        <p class="note">
          <Prose text={lesson.next} />
        </p>
      )}
    </div>
  );
}

function StepView({ lessons, step }: { lessons: Lessons; step: Step }) {
  const chosen = lessons.predicted[lessons.place];
  return (
    <section class="step" aria-label={t("Step {n}", { n: lessons.at + 1 })}>
      {step.predict && (
        <Question
          of={step.predict}
          name={lessons.place}
          chosen={chosen}
          choose={(k) => lessons.predict(k)}
        />
      )}
      <p>
        <Prose text={step.text} />
      </p>
      {step.start && (
        <button onClick={() => void lessons.setUp(step.start!)}>{t("Set the page up again")}</button>
      )}
      {step.check && <Checks lessons={lessons} step={step} />}
      {step.hint && (
        <details>
          <summary>{t("Hint")}</summary>
          <p>
            <Prose text={step.hint} />
          </p>
        </details>
      )}
      {(step.answer || step.solution) && (
        <details>
          <summary>{t("Answer")}</summary>
          {step.answer && (
            <p>
              <Prose text={step.answer} />
            </p>
          )}
          {step.solution && (
            <button onClick={() => void lessons.setUp(step.solution!)}>{t("Show me")}</button>
          )}
        </details>
      )}
    </section>
  );
}

function Checks({ lessons, step }: { lessons: Lessons; step: Step }) {
  const found = verdicts(step, lessons.facts);
  const done = isIn(lessons.done, lessons.open!.id, lessons.at);
  return (
    <div class="checks" role="status" data-done={done}>
      <ul>
        {found.map(({ text, ok, values }) => (
          <li data-ok={ok}>
            <span class="mark" aria-hidden="true">
              {ok ? "✓" : "○"}
            </span>
            <code>{text}</code>
            <span class="hidden">{ok ? t("holds") : t("does not hold yet")}</span>
            {values.length > 0 && (
              <span class="note"> {values.map(([name, value]) => `${name} = ${value}`).join(", ")}</span>
            )}
          </li>
        ))}
      </ul>
      {done ? (
        <p class="right">{t("✓ Done.")}</p>
      ) : (
        found.every((verdict) => verdict.ok) && (
          <p class="note">{t("Pause the training to have it recorded.")}</p>
        )
      )}
    </div>
  );
}

function Question(props: {
  of: Prediction;
  name: string;
  chosen: number | undefined;
  choose: (option: number) => void;
}) {
  const { of, name, chosen, choose } = props;
  return (
    <fieldset class="question">
      <legend>
        <strong>{t("Predict")}</strong> <Prose text={of.question} />
      </legend>
      {of.options.map((option, k) => (
        <label>
          <input type="radio" name={name} checked={chosen === k} onChange={() => choose(k)} />{" "}
          <Prose text={option} />
        </label>
      ))}
      {chosen !== undefined && (
        <p role="status" class={chosen === of.answer ? "right" : "note"}>
          {chosen === of.answer ? t("That is right.") : t("See for yourself.")}{" "}
          <Prose text={of.because} />
        </p>
      )}
    </fieldset>
  );
}

export function useLessons(lessons: Lessons): void {
  const [, rerender] = useReducer<number, void>((n) => n + 1, 0);
  useLayoutEffect(() => lessons.subscribe(() => rerender()), [lessons]);
}
