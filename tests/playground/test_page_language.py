"""The page in German: no English is left, and the header changes the language at once."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("playwright")

# Words that the English page shows in these places.
TELLING = {
    "station": ["Copy as Python", "Slides:", "the data", "Present"],
    "workshop": ["Train", "Learning rate", "Hidden space", "Confusion matrix", "No problem found"],
    "lesson": ["Predict", "Goal", "Lessons"],
}
ENGLISH = [word for words in TELLING.values() for word in words]


@pytest.fixture(scope="module")
def german(browser):
    from page import FILE, Page

    page = Page(browser, f"{FILE.as_uri()}?lang=de")
    yield page
    page.context.close()
    assert page.said == []


def words_on(page, words):
    """Which of these words the page shows: in its text, as a whole line or at the start of one."""
    text = page.tab.locator("body").inner_text()
    return [word for word in words if re.search(rf"^\s*{re.escape(word)}(?!\w)", text, re.M)]


def test_every_station_a_lesson_and_the_workshop_are_german(german):
    assert german.evaluate("document.documentElement.lang") == "de"
    for key in german.stations():
        german.open(key)
        assert words_on(german, ENGLISH) == [], key
        assert words_on(german, ["Als Python kopieren"])
    german.open("workshop")
    assert len(words_on(german, ["Trainieren", "Lernrate α", "Verdeckter Raum"])) == 3
    german.go("lesson=kl")
    assert words_on(german, ENGLISH) == []
    assert words_on(german, ["Ziel", "Sagen Sie voraus"]) == ["Ziel", "Sagen Sie voraus"]
    assert german.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_telling_words_are_on_the_english_page(page):
    page.open("divergence")
    assert {"Copy as Python", "Slides:"} <= set(words_on(page, ENGLISH))
    page.open("workshop")
    assert {"Train", "Learning rate", "Hidden space"} <= set(words_on(page, ENGLISH))
    page.go("lesson=kl")
    assert set(TELLING["lesson"]) <= set(words_on(page, ENGLISH))


def test_the_language_changes_without_loading_the_page_and_is_remembered(page):
    page.open("softmax", z=[1.0, 2.0, 0.5])
    page.evaluate("window.kept = true")
    choice = page.tab.get_by_label("Language")
    choice.select_option("de")
    page.rest()
    assert words_on(page, ["Als Python kopieren", "Copy as Python"]) == ["Als Python kopieren"]
    assert page.evaluate("[kept, document.documentElement.lang]") == [True, "de"]
    assert page.numbers()["z.1"] == 2.0
    page.reload()
    assert page.evaluate("document.documentElement.lang") == "de"
    page.tab.get_by_label("Sprache").select_option("en")
    page.rest()
    assert words_on(page, ["Als Python kopieren", "Copy as Python"]) == ["Copy as Python"]


def test_an_address_with_a_language_does_not_hold_the_choice_back(german):
    german.go("station=softmax")
    german.tab.get_by_label("Sprache").select_option("en")
    german.rest()
    assert words_on(german, ["Als Python kopieren", "Copy as Python"]) == ["Copy as Python"]
    german.tab.get_by_label("Language").select_option("de")
    german.rest()
    assert german.evaluate("document.documentElement.lang") == "de"
