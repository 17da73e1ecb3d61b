// Controls for settings: a slider with its number box, a choice, a number of things.

import { useRef, useState } from "preact/hooks";
import type { Kind } from "../protocol.ts";
import { short } from "../format.ts";
import { t } from "../text.ts";
import { Explain } from "./explain.tsx";

let count = 0;

/** An id for a label and its control. */
export function useId(): string {
  const id = useRef("");
  if (!id.current) id.current = `c${++count}`;
  return id.current;
}

interface SliderProps {
  label: string;
  value: number;
  low: number;
  high: number;
  /** 0: the slider multiplies, for rates over several powers of ten. */
  step: number;
  onChange: (value: number) => void;
  whole?: boolean;
  /** Extra text for screen readers and for the tooltip of the box. */
  hint?: string;
  /** Only the box, without the slider. */
  box?: boolean;
  disabled?: boolean;
  /** "station.setting" of texts/explanations.ts. */
  explain?: string;
}

/** A slider and a box for the same number, with one label. Arrow keys move both. */
export function Slider(props: SliderProps) {
  const { label, value, low, high, step, onChange, whole, hint, box, disabled, explain } = props;
  const id = useId();
  const log = step === 0 && low > 0;
  const at = log ? Math.log10(Math.max(low, value)) : value;
  const toValue = (text: string) => {
    if (!log) return Number(text);
    return Number((10 ** Number(text)).toPrecision(2));
  };
  return (
    <div class={`slider ${box ? "box-only" : ""}`}>
      <span class="labelled">
        <label for={id}>{label}</label>
        {explain && <Explain of={explain} label={label} />}
      </span>
      {!box && (
        <input
          type="range"
          aria-label={t("{label}, slider", { label })}
          min={log ? Math.log10(low) : low}
          max={log ? Math.log10(high) : high}
          step={log ? 0.05 : step || "any"}
          value={at}
          disabled={disabled}
          aria-valuetext={short(value)}
          onInput={(event) => onChange(clamp(toValue(event.currentTarget.value), low, high))}
        />
      )}
      <NumberBox
        id={id}
        value={value}
        low={low}
        high={high}
        step={whole ? 1 : step || "any"}
        hint={hint}
        disabled={disabled}
        onChange={onChange}
      />
    </div>
  );
}

interface BoxProps {
  id?: string;
  label?: string;
  value: number;
  low: number;
  high: number;
  step: number | "any";
  hint?: string;
  name?: string;
  disabled?: boolean;
  onChange: (value: number) => void;
}

/** A number to type. Enter, leaving the box, or pressing an arrow key applies it. */
export function NumberBox(props: BoxProps) {
  const { id, label, value, low, high, step, hint, name, disabled, onChange } = props;
  const [draft, setDraft] = useState<string | null>(null);
  const commit = (text: string) => {
    setDraft(null);
    const typed = Number(text.replace("−", "-").replace(",", "."));
    if (text.trim() !== "" && Number.isFinite(typed)) {
      const rounded = step === 1 ? Math.round(typed) : typed;
      const taken = clamp(rounded, low, high);
      if (taken !== value) onChange(taken);
    }
  };
  const nudge = (event: KeyboardEvent) => {
    const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter" && draft !== null) commit(draft);
    if (event.key === "Escape") setDraft(null);
    if (!direction) return;
    event.preventDefault();
    const size = (step === "any" ? 0.1 : step) * (event.shiftKey ? 10 : 1);
    const from = draft === null ? value : Number(draft);
    setDraft(null);
    onChange(clamp(Number((from + direction * size).toPrecision(12)), low, high));
  };
  return (
    <input
      id={id}
      class="number"
      type="text"
      inputMode="decimal"
      autocomplete="off"
      aria-label={label}
      title={hint ?? t("{low} to {high}", { low, high })}
      data-name={name}
      data-value={name ? String(value) : undefined}
      disabled={disabled}
      value={draft ?? tidy(value)}
      onInput={(event) => setDraft(event.currentTarget.value)}
      onKeyDown={nudge}
      onBlur={() => draft !== null && commit(draft)}
    />
  );
}

function tidy(value: number): string {
  return String(Number(value.toPrecision(5)));
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

interface ChoiceProps {
  label: string;
  value: string;
  options: Record<string, string>;
  onChange: (value: string) => void;
  disabled?: boolean;
  /** The label is only for screen readers. */
  bare?: boolean;
  /** "station.setting" of texts/explanations.ts. */
  explain?: string;
}

/** One of several, in a list. */
export function Choice(props: ChoiceProps) {
  const { label, value, options, onChange, disabled, bare, explain } = props;
  const id = useId();
  return (
    <div class="choice">
      <span class="labelled">
        <label for={id} class={bare ? "hidden" : ""}>
          {label}
        </label>
        {explain && <Explain {...{ of: explain, label, value }} />}
      </span>
      <select
        id={id}
        value={value}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {Object.entries(options).map(([key, title]) => (
          <option value={key} selected={key === value}>
            {t(title)}
          </option>
        ))}
      </select>
    </div>
  );
}

/** The control for a setting, as its kind describes it: `<Setting of={kinds.t} .../>`. */
export function Setting(props: {
  of: Kind;
  value: any;
  onChange: (value: any) => void;
  label?: string;
  /** Narrower bounds than the setting's own, for the slider. */
  low?: number;
  high?: number;
  box?: boolean;
  disabled?: boolean;
  /** "station.setting" of texts/explanations.ts, if not the setting itself. */
  explain?: string;
}) {
  const { of, value, onChange, disabled } = props;
  const label = props.label ?? t(of.label);
  const explain = props.explain ?? of.path;
  if (of.kind === "choice")
    return <Choice {...{ label, value, onChange, disabled, explain }} options={of.options} />;
  return (
    <Slider
      {...{ label, value, onChange, disabled, explain }}
      low={props.low ?? of.low}
      high={props.high ?? of.high}
      step={of.step}
      whole={of.whole}
      box={props.box}
    />
  );
}

/** A count with − and + buttons. */
export function Count(props: {
  label: string;
  value: number;
  low: number;
  high: number;
  onChange: (value: number) => void;
  /** "station.setting" of texts/explanations.ts. */
  explain?: string;
}) {
  const { label, value, low, high, onChange, explain } = props;
  return (
    <div class="count" role="group" aria-label={label}>
      <span aria-hidden="true">{label}</span>
      {explain && <Explain of={explain} label={label} />}
      <button
        aria-label={t("{label}: one less", { label })}
        disabled={value <= low}
        onClick={() => onChange(value - 1)}
      >
        −
      </button>
      <output>{value}</output>
      <button
        aria-label={t("{label}: one more", { label })}
        disabled={value >= high}
        onClick={() => onChange(value + 1)}
      >
        +
      </button>
    </div>
  );
}
