"""Files of checkpoints: of another run, of another kind, damaged and hostile ones are refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cut_off_runs import CutOffError, at_epoch, make_job, shared_data
from fuzz_files import check_reader, pack, unpack
from scipy import sparse

from clearprop import (
    SGD,
    Adam,
    Checkpoint,
    Data,
    Job,
    ModelFileError,
    NAdam,
    Network,
    Penalty,
    Stopping,
    train,
)
from clearprop.persistence import read_file, write_file
from clearprop.schedules import StepDecay

# ---- the file of another run ---------------------------------------------------------------------

RELU = Network([3, 6, 2], hidden="relu", output="softmax").architecture
ANOTHER: dict[str, Callable[[Job, Data], tuple[list[Job], Data]]] = {
    "data": lambda job, data: ([job], replace(data, X=data.X + 1e-12)),
    "architecture": lambda job, data: ([replace(job, architecture=RELU)], data),
    "theta": lambda job, data: ([replace(job, theta=job.theta + 1e-12)], data),
    "optimizer": lambda job, data: ([replace(job, optimizer=Adam(0.02))], data),
    "epochs": lambda job, data: ([replace(job, epochs=7)], data),
    "batch_size": lambda job, data: ([replace(job, batch_size=9)], data),
    "rows": lambda job, data: ([replace(job, rows=np.arange(29))], data),
    "validation": lambda job, data: ([replace(job, validation=data.rows(slice(3)))], data),
    "stopping": lambda job, data: ([replace(job, stopping=Stopping("loss"))], data),
    "penalty": lambda job, data: ([replace(job, penalty=Penalty(l2=1e-9))], data),
    "clip_norm": lambda job, data: ([replace(job, clip_norm=1.0)], data),
    "shuffle": lambda job, data: ([replace(job, shuffle=4)], data),
    "seed": lambda job, data: ([replace(job, seed=6)], data),
    "max_steps": lambda job, data: ([replace(job, max_steps=9)], data),
    "drop_last": lambda job, data: ([replace(job, drop_last=True)], data),
    "the number of jobs": lambda job, data: ([job, job], data),
}


@pytest.mark.parametrize("item", ANOTHER)
def test_the_file_of_another_run_is_refused_and_what_differs_is_named(
    item: str, tmp_path: Path
) -> None:
    data, checkpoint = shared_data(), Checkpoint(tmp_path / "c")
    train([make_job(epochs=2)], data, checkpoint=checkpoint)
    before = (tmp_path / "c").read_bytes()
    jobs, other = ANOTHER[item](make_job(epochs=2), data)
    message = (
        rf"c: the checkpoint is from a different run \(it differs in: {item}\); delete it to start"
    )
    with pytest.raises(ValueError, match=message) as caught:
        train(jobs, other, checkpoint=checkpoint)
    assert not isinstance(caught.value, ModelFileError)  # the file is all right
    assert (tmp_path / "c").read_bytes() == before


def test_a_checkpoint_with_a_record_of_an_older_name_goes_on(tmp_path: Path) -> None:
    """`Step` is what `StepDecay` was called."""
    data, path = shared_data(), tmp_path / "c"
    job = make_job(epochs=2, optimizer=SGD(StepDecay(0.1, every=3)))
    (whole,) = train([job], data, checkpoint=Checkpoint(path))
    header, body = unpack(path.read_bytes())
    document = header["__metadata__"]["clearprop"]
    assert "StepDecay(" in document
    header["__metadata__"]["clearprop"] = document.replace("StepDecay(", "Step(")
    path.write_bytes(pack(header, body))
    (state,) = train([job], data, checkpoint=Checkpoint(path))
    assert state.history.seconds == whole.history.seconds  # nothing was trained anew
    np.testing.assert_array_equal(state.theta, whole.theta)


def test_targets_weights_and_validation_weights_are_compared_too(tmp_path: Path) -> None:
    data, checkpoint = shared_data(), Checkpoint(tmp_path / "c")
    held_out = data.rows(slice(5))

    def job(validation: Data) -> Job:
        return make_job(epochs=1, validation=validation, metrics={"a": lambda e: 1.0})

    train([job(held_out)], data, checkpoint=checkpoint)
    assert data.sample_weight is not None
    assert held_out.sample_weight is not None
    for other in (replace(data, t=1 - data.t), replace(data, sample_weight=None)):
        with pytest.raises(ValueError, match="differs in: data"):
            train([job(held_out)], other, checkpoint=checkpoint)
    for changed in (
        replace(held_out, X=held_out.X * 2),
        replace(held_out, t=1 - held_out.t),
        replace(held_out, sample_weight=held_out.sample_weight * 2),
    ):
        with pytest.raises(ValueError, match="differs in: validation"):
            train([job(changed)], data, checkpoint=checkpoint)
    with pytest.raises(ValueError, match="differs in: metrics"):
        train([replace(job(held_out), metrics={})], data, checkpoint=checkpoint)


def test_the_places_of_a_sparse_matrix_are_compared_too(tmp_path: Path) -> None:
    def data(column: int) -> Data:
        X = sparse.csr_matrix(([1.0] * 30, (list(range(30)), [column] * 30)), shape=(30, 3))
        return Data(X, shared_data().t)

    train([make_job(epochs=1)], data(0), checkpoint=Checkpoint(tmp_path / "c"))
    with pytest.raises(ValueError, match="differs in: data"):
        train([make_job(epochs=1)], data(1), checkpoint=Checkpoint(tmp_path / "c"))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    Network([3, 2]).save(tmp_path / "net")
    with pytest.raises(ModelFileError, match="holds 'network', not 'checkpoint'"):
        train([make_job()], shared_data(), checkpoint=Checkpoint(tmp_path / "net"))
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ModelFileError, match="text: not a model file"):
        train([make_job()], shared_data(), checkpoint=Checkpoint(tmp_path / "text"))


# ---- damaged and hostile files -------------------------------------------------------------------


def hostile_jobs() -> list[Job]:
    """All that a state can hold: a best θ, metrics, generators, the place of a NaN."""
    return [
        make_job(
            validation=np.arange(5),
            metrics={"score": lambda e: float(e.y_hat[0, 0])},
            stopping=Stopping("score", patience=9),
            dropout=0.2,
            optimizer=NAdam(0.01),
            sizes=[3, 2, 2],
        ),
        make_job(shuffle=np.random.RandomState(1), optimizer=SGD(0.1, 0.9), sizes=[3, 2]),
        make_job(
            shuffle=np.random.Generator(np.random.Philox(1)),
            sizes=[3, 2],
            output="linear",
            optimizer=SGD(1e200),
        ),
    ]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoints") / "good"
    with pytest.raises(CutOffError):
        train(hostile_jobs(), shared_data(), checkpoint=Checkpoint(path), callbacks=[at_epoch(4)])
    return path


def resume_and_train(path: Path) -> None:
    """Resume from the file and train to the end; a run that differs counts as refused."""
    try:
        train(hostile_jobs(), shared_data(), checkpoint=Checkpoint(path, every_seconds=1e9))
    except ModelFileError:
        raise
    except ValueError as error:
        if "a different run" not in str(error):
            raise
        raise ModelFileError(str(error)) from error


def test_mutated_files_are_refused_or_can_be_trained_on(good: Path, tmp_path: Path) -> None:
    outcomes = check_reader(resume_and_train, [good], count=500, folder=tmp_path)
    assert outcomes["refused"] > 300
    assert outcomes["loaded"] > 5  # some numbers may be any


State = dict[str, Any]
PCG, MT, PHILOX = 0, 1, 2
HOSTILE: dict[str, tuple[str, Callable[[list[State], dict[str, Any]], object]]] = {
    "pos": ("generator is damaged", lambda s, a: s[MT]["generator"]["state"].update(pos=10**9)),
    "pos_negative": (
        "generator is damaged",
        lambda s, a: s[MT]["generator"]["state"].update(pos=-1),
    ),
    "key_short": (
        "generator has the wrong shape",
        lambda s, a: s[MT]["generator"]["state"].update(key=[1] * 623),
    ),
    "key_zero": (
        "generator is damaged",
        lambda s, a: s[MT]["generator"]["state"].update(key=[0] * 624),
    ),
    "key_large": (
        "random generator|out of bounds|too large|too big|invalid literal|negative",
        lambda s, a: s[MT]["generator"]["state"].update(key=[2**40] * 624),
    ),
    "key_text": (
        "random generator|out of bounds|too large|too big|invalid literal|negative",
        lambda s, a: s[MT]["generator"]["state"].update(key=["x"] * 624),
    ),
    "inc_even": ("generator is damaged", lambda s, a: s[PCG]["generator"]["state"].update(inc=0)),
    "inc_large": (
        "random generator|out of bounds|too large|too big|invalid literal|negative",
        lambda s, a: s[PCG]["generator"]["state"].update(inc=2**200 + 1),
    ),
    "state_negative": (
        "random generator|out of bounds|too large|too big|invalid literal|negative",
        lambda s, a: s[PCG]["generator"]["state"].update(state=-1),
    ),
    "buffer_pos": (
        "generator is damaged",
        lambda s, a: s[PHILOX]["generator"].update(buffer_pos=99),
    ),
    "uinteger": (
        "random generator|out of bounds|too large|too big|invalid literal|negative",
        lambda s, a: s[PCG]["generator"].update(uinteger=2**40),
    ),
    "other_generator": (
        "the random generator was SFC64, not PCG64",
        lambda s, a: s[PCG]["generator"].update(bit_generator="SFC64"),
    ),
    "generator_missing": ("'generator' must be", lambda s, a: s[PCG].update(generator=None)),
    "generator_form": (
        "generator has the wrong form",
        lambda s, a: s[PCG]["generator"].pop("has_uint32"),
    ),
    "epoch": ("'epoch' must be at most 3", lambda s, a: s[0].update(epoch=10**9)),
    "epoch_negative": ("'epoch' must be at least 0", lambda s, a: s[0].update(epoch=-1)),
    "n_steps": ("'n_steps' must be at most", lambda s, a: s[0].update(n_steps=2**60)),
    "reductions": ("'reductions' must be at most 3", lambda s, a: s[0].update(reductions=2**40)),
    "best": ("best must not be NaN", lambda s, a: s[0].update(best="nan")),
    "stopped": ("'stopped' must be one of", lambda s, a: s[0].update(stopped="never")),
    "extra": ("unknown key 'x'", lambda s, a: s[0].update(x=1)),
    "missing": ("'best' is missing", lambda s, a: s[0].pop("best")),
    "quantity": (
        "'quantity' must be one of",
        lambda s, a: s[2]["nonfinite"].update(quantity="\x1b[31m"),
    ),
    "no_theta": ("'engine_state' must be", lambda s, a: s[0]["engine_state"].remove("theta")),
    "no_slot": ("'engine_state' must be", lambda s, a: s[1]["engine_state"].remove("velocity")),
    "slot_gone": ("'job1.engine.velocity' is missing", lambda s, a: a.pop("job1.engine.velocity")),
    "slot_dtype": ("must be float64", lambda s, a: change(a, "job1.engine.velocity", "float32")),
    "slot_shape": ("must have the shape", lambda s, a: cut(a, "job1.engine.velocity")),
    "theta_shape": ("must have the shape", lambda s, a: cut(a, "job0.engine.theta")),
    "theta_nan": ("is not finite", lambda s, a: a["job0.engine.theta"].fill(np.nan)),
    "best_theta": ("must have the shape", lambda s, a: cut(a, "job0.best_theta")),
    "step_negative": ("impossible count", lambda s, a: a["job0.engine.step"].fill(-1)),
    "step_large": ("impossible count", lambda s, a: a["job0.engine.step"].fill(2**63 - 1)),
    "steps_shape": ("must have the shape", lambda s, a: a.update({"job0.engine.n_steps": ONES})),
    "order": ("is not a permutation", lambda s, a: a["job0.order"].fill(0)),
    "order_short": ("must have the shape", lambda s, a: cut(a, "job0.order")),
    "order_far": ("is not a permutation", lambda s, a: a["job0.order"].__setitem__(0, 10**9)),
    "history": ("differ in length", lambda s, a: cut(a, "job0.history.seconds")),
    "history_gone": ("is missing", lambda s, a: a.pop("job0.history.loss")),
    "metric": ("'job0.metric0' is missing", lambda s, a: a.pop("job0.metric0")),
}
ONES = np.ones(14, dtype=np.int64)


def cut(tensors: dict[str, Any], name: str) -> None:
    tensors[name] = tensors[name][:-1]


def change(tensors: dict[str, Any], name: str, dtype: str) -> None:
    tensors[name] = tensors[name].astype(dtype)


@pytest.mark.parametrize("name", HOSTILE)
def test_impossible_states_are_refused(name: str, good: Path, tmp_path: Path) -> None:
    message, spoil = HOSTILE[name]
    document, tensors = read_file(good, "checkpoint")
    document = copy.deepcopy(document)
    del document["kind"]
    path = tmp_path / "bad"
    write_file(path, "checkpoint", document, tensors)
    resume_and_train(path)  # as it is, it can be resumed
    spoil(document["states"], tensors)
    write_file(path, "checkpoint", document, tensors)
    with pytest.raises(ModelFileError, match=message) as caught:
        resume_and_train(path)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).isprintable()
