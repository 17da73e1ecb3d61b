// The workshop: own networks on own data, trained while one looks.

import { useCallback, useMemo, useState } from "preact/hooks";
import { CopyPython } from "../components/copy.tsx";
import { Explain } from "../components/explain.tsx";
import { Panel } from "../components/panel.tsx";
import { Choice } from "../components/slider.tsx";
import { Rich } from "../components/rich.tsx";
import { Presets, type StationProps } from "../components/station.tsx";
import { Curves } from "../workshop/curves.tsx";
import { DataPanel } from "../workshop/data.tsx";
import { Files } from "../workshop/files.tsx";
import { HiddenSpace } from "../workshop/hidden.tsx";
import { Inspector } from "../workshop/inspector.tsx";
import { type DataSet, useLive } from "../workshop/live.ts";
import { type Chosen, NetworkDrawing } from "../workshop/network.tsx";
import { Parameters } from "../workshop/parameters.tsx";
import { dataOf, type Pin, Pins, pinned, remember, remembered } from "../workshop/pins.tsx";
import { Plot } from "../workshop/plot.tsx";
import { Calibration, Diagnosis, Errors, Layers, useReport, Worst } from "../workshop/reports.tsx";
import { LayerControls, TrainingPanel } from "../workshop/settings.tsx";
import { LossSurface } from "../workshop/surface.tsx";
import { t } from "../text.ts";
import { ToStepper } from "../workshop/to_stepper.tsx";
import { INTRODUCTIONS } from "../texts/introductions.ts";
import { Transport } from "../workshop/transport.tsx";

const edgeChoices = () => ({
  weights: t("weights"),
  both: t("weights, gradients flowing back"),
  gradients: t("gradients flowing back"),
});

export function Workshop(props: StationProps) {
  const { info, store } = props;
  useLive(store.live, 500);
  const [chosen, choose] = useState<Chosen | null>(null);
  const [edges, setEdges] = useState("weights");
  const [speed, setSpeed] = useState("most");
  const [wanted, setPart] = useState("test");
  const [logarithmic, setLogarithmic] = useState(false);
  const [allPins, setAllPins] = useState<Pin[]>(remembered);
  const own = dataOf(props.settings);
  const pins = useMemo(() => allPins.filter((pin) => pin.data === own), [allPins, own]);
  const { data } = store.live;
  const shown = chosen && data && chosen.layer < data.sizes.length ? chosen : lastUnit(data);
  const part = data && !data.rows[1] ? "train" : wanted;
  const report = useReport(store, part);
  const python = useCallback(
    (panel: string) => async () => {
      const reply = await store.ask("python", { panel, part });
      if (!reply) throw new Error("there is no program");
      return reply.python as string;
    },
    [store, part],
  );
  if (!data) return <p class="waiting">{t("Loading…")}</p>;
  const parts = (
    <Choice
      bare
      label={t("Rows")}
      value={part}
      options={{
        ...(data.rows[1] ? { test: t("test ({n})", { n: data.rows[1] }) } : {}),
        train: t("training ({n})", { n: data.rows[0] }),
      }}
      onChange={setPart}
    />
  );
  const known = report?.part === part ? report : null;
  const setPins = (all: Pin[]) => {
    setAllPins(all);
    remember(all);
  };
  const pin = async () => {
    const made = await pinned(store, part, Math.max(0, ...allPins.map((p) => p.number)) + 1);
    if (made) setPins([...allPins, made]);
  };
  return (
    <div class="workshop">
      <div class="intro slim">
        <div>
          <h1>{t(info.title)}</h1>
          <p class="wide">
            <Rich text={t(INTRODUCTIONS.workshop!)} />
          </p>
        </div>
        <Presets info={info} store={store} />
      </div>
      <Transport store={store} speed={speed} setSpeed={setSpeed} python={python("training")} />
      <div class="bench">
        <div class="column">
          <DataPanel {...props} />
          <TrainingPanel {...props} />
        </div>
        <div class="column">
          <Panel
            title={t("Network")}
            python={python("network")}
            tools={
              <>
                <Choice bare label={t("Edges show")} value={edges} options={edgeChoices()} onChange={setEdges} />
                <Explain of="workshop.edges" label={t("Edges show")} />
              </>
            }
          >
            <LayerControls {...props} />
            <NetworkDrawing {...{ store, data, choose, edges }} chosen={shown} />
            <p class="note key">
              <i class="line positive" /> {t("weight above 0")} <i class="line negative" /> {t("below 0")}{" "}
              {edges !== "weights" && (
                <>
                  <i class="flow positive" /> {t("gradient ∂ℒ/∂w above 0")} <i class="flow negative" /> {t("below 0")}{" "}
                </>
              )}
              <i class="spot" /> {t("bias: orange above 0, a blue square below")}
            </p>
            <Inspector {...{ store, data }} chosen={shown} />
            {store.live.frame?.example && <ExampleLine python={python("example")} />}
            <ToStepper store={store} />
          </Panel>
          <Panel title={t("All parameters")} python={python("network")} folded>
            <Parameters {...{ store, data }} />
          </Panel>
          <Panel title={t("Layers")} python={python("layers")}>
            {report && <Layers report={report} />}
          </Panel>
          <Panel title={t("Diagnosis")} python={python("diagnosis")}>
            {report && <Diagnosis report={report} store={store} />}
          </Panel>
        </div>
        <div class="column">
          <Panel title={t("Output")}>
            <Plot {...{ store, data }} chosen={shown} />
          </Panel>
          <Panel
            title={t("Curves")}
            tools={
              <>
                <label class="option">
                  <input
                    type="checkbox"
                    checked={logarithmic}
                    onChange={(event) => setLogarithmic(event.currentTarget.checked)}
                  />
                  {t("log ℒ")}
                </label>
                <button class="small" onClick={() => void pin()}>
                  {t("Pin this run")}
                </button>
              </>
            }
          >
            <Curves {...{ store, pins, logarithmic }} title="ℒ" rows={[2, 3]} />
            <Curves
              {...{ store, pins }}
              logarithmic={false}
              title={data.n_classes ? t("accuracy") : "RMSE"}
              rows={[4, 5]}
              range={data.n_classes ? [0, 1] : undefined}
            />
            <p class="note key">
              <i class="line train" /> {t("training")} <i class="line test dashed" /> {t("test")}
            </p>
          </Panel>
        </div>
      </div>
      <div class="grid">
        <Panel title={t("Hidden space")} class="w6">
          <HiddenSpace {...{ store, data }} />
        </Panel>
        <Panel title={t("Loss surface")} class="w6">
          <LossSurface {...{ store, data }} />
        </Panel>
        <Panel title={data.n_classes ? t("Confusion matrix") : t("Residuals")} class="w4" python={python("errors")} tools={parts}>
          {known && <Errors report={known} data={data} />}
        </Panel>
        <Panel title={t("Calibration")} class="w3" python={report && "calibration.ece" in report.numbers ? python("calibration") : undefined}>
          {known && <Calibration report={known} data={data} />}
        </Panel>
        <Panel title={t("Rows by loss")} class="w5" python={python("rows")} tools={parts}>
          {known && <Worst report={known} data={data} />}
        </Panel>
        <Panel title={t("Pinned runs")} class="w7">
          <Pins store={store} pins={pins} drop={(gone) => setPins(allPins.filter((p) => p !== gone))} />
        </Panel>
        <Panel title={t("Files")} class="w5">
          <Files store={store} python={python("training")} />
        </Panel>
      </div>
    </div>
  );
}

function lastUnit(data: DataSet | null): Chosen | null {
  return data && { layer: data.sizes.length - 1, unit: 0 };
}

function ExampleLine({ python }: { python: () => Promise<string> }) {
  return (
    <p class="note with-button">
      {t("Edges show the gradient of this example alone.")} <CopyPython python={python} title={t("The example")} />
    </p>
  );
}
