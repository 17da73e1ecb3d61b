"""The lessons: each check can fail and can be passed; progress and files are checked strictly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("playwright")

COURSE = Path(__file__).parents[2] / "web" / "src" / "lessons" / "course"
LESSONS = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(COURSE.glob("*.json"))]
STEPS = [
    pytest.param(lesson["id"], k, id=f"{lesson['id']}-{k + 1}")
    for lesson in LESSONS
    for k, step in enumerate(lesson["steps"])
    if "solution" in step
]
HOLDS = """async ([id, k, which]) => {
  const {lessons, checking} = clearprop;
  const step = lessons.lessons.find(lesson => lesson.id === id).steps[k];
  const facts = await checking.factsOfLink(step[which]);
  return checking.verdicts(step, facts).map(({text, ok, values}) => [ok, text, values.join()]);
}"""


def step(id_: str, k: int) -> dict:
    return next(lesson for lesson in LESSONS if lesson["id"] == id_)["steps"][k]


def test_there_are_at_least_twelve(page):
    shown = page.evaluate("clearprop.lessons.lessons.map(lesson => lesson.id)")
    assert shown == [lesson["id"] for lesson in LESSONS]
    assert len(shown) >= 12


@pytest.mark.parametrize(("id_", "k"), STEPS)
def test_the_check_fails_at_the_start_and_holds_at_the_solution(page, id_, k):
    key = step(id_, k)["solution"].split("&")[0].removeprefix("station=")
    if not page.evaluate("key => key in clearprop.models", key):
        pytest.skip(f"the page has no station {key}")
    if "start" in step(id_, k):
        assert not all(ok for ok, *_ in page.evaluate(HOLDS, [id_, k, "start"]))
    assert [found for found in page.evaluate(HOLDS, [id_, k, "solution"]) if not found[0]] == []


def test_a_step_is_done_once_its_check_holds_and_is_kept(page):
    page.go("lesson=kl")
    panel = page.tab.get_by_role("complementary", name="Lessons")
    assert panel.get_by_role("heading", name="KL divergence and its asymmetry").is_visible()
    assert panel.locator(".checks").get_attribute("data-done") == "false"
    panel.get_by_label("Only when P equals Q").check()
    assert "That is right." in panel.inner_text()
    page.tab.evaluate("clearprop.store.set({p: [600, 300, 100]})")
    panel.get_by_text("✓ Done.").wait_for()
    panel.get_by_role("button", name="Step 1, done").wait_for()
    page.tab.evaluate("clearprop.rest()")
    page.reload()
    page.tab.get_by_role("button", name="Lessons", exact=True).click()
    page.tab.get_by_role("button", name="KL divergence and its asymmetry 1 of 3").wait_for()
    assert page.serious() == []


def test_a_progress_file_is_checked_by_opening_its_states(page):
    good = {"lesson": "kl", "step": 0, "link": step("kl", 0)["solution"], "at": "2026-01-01"}
    claims = page.evaluate(
        "done => clearprop.checking.checked(done, clearprop.lessons.lessons)",
        [
            good,
            {**good, "link": step("kl", 0)["start"]},
            {**good, "lesson": "none"},
            {**good, "link": "station=nowhere"},
        ],
    )
    faults = [claim["fault"] for claim in claims]
    assert faults[:3] == ["", "the state does not pass the check", "this page has no such step"]
    assert "station must be one of" in faults[3]


ADD = """text => {
  try { clearprop.lessons.addFrom(text); return ""; } catch (error) { return error.message; }
}"""
ONE = {"id": "a", "title": "A", "goal": "G", "steps": [{"text": "T", "check": ["kl < 1"]}]}


@pytest.mark.parametrize(
    ("lesson", "message"),
    [
        ("{", "the file is not JSON"),
        ({**ONE, "steps": []}, "lesson 1: steps must be a list with at least one step"),
        ({**ONE, "titel": "A"}, "lesson 1: there is no entry titel"),
        ({**ONE, "title": 3}, "lesson 1: title must be a text"),
        ([ONE, ONE], 'two lessons have the id "a"'),
        ({**ONE, "steps": [{"check": ["kl"]}]}, "lesson 1, step 1: text is missing"),
        (
            {**ONE, "steps": [{"text": "T", "check": ["kl <"]}]},
            'lesson 1, step 1: the check "kl <" cannot be read: it ends too early',
        ),
        (
            {**ONE, "steps": [{"text": "T", "check": ["kl ? 3"]}]},
            'lesson 1, step 1: the check "kl ? 3" cannot be read at ? 3',
        ),
    ],
)
def test_a_faulty_file_is_refused_and_the_fault_is_named(page, lesson, message):
    text = lesson if isinstance(lesson, str) else json.dumps(lesson)
    said = page.evaluate(ADD, text)
    assert said.startswith(message)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("1 + 2 * 3 == 7", True),
        ("-(a - 3) / 2 == 0.5", True),
        ("a < 3 and not a < 2", True),
        ("a > 3 or b.1 == 5", True),
        ('word == "tanh"', True),
        ("max(b) - min(b) == 1 and count(b) == 2 and sum(b, 1) == 10", True),
        ("abs(norm(b) - 6.4031242374328485) < 1e-12", True),
        ("a == 2 and (b.0 == 5 or b.1 == 4)", False),
    ],
)
def test_expressions(page, text, holds):
    step_ = {"text": "", "check": [text]}
    facts = {"a": 2, "b": [4, 5], "word": "tanh"}
    assert page.evaluate("([s, f]) => clearprop.checking.passes(s, f)", [step_, facts]) is holds


def test_presenting_shows_one_panel_and_keys_lead_through_all_stations(page):
    page.open("divergence")
    page.tab.get_by_role("button", name="Present", exact=True).click()
    page.tab.evaluate("document.activeElement.blur()")
    seen = []
    for _ in range(5):
        page.rest()
        shown = page.tab.locator("section.panel:visible")
        assert shown.count() == 1
        seen.append(shown.get_attribute("aria-label"))
        page.tab.keyboard.press("PageDown")
    page.rest()
    assert len(set(seen)) >= 4
    assert page.state()["station"] == "softmax"
    page.tab.keyboard.press("PageUp")
    page.rest()
    page.tab.keyboard.press("Escape")
    assert page.tab.locator("section.panel:visible").count() > 1
