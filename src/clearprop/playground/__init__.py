"""The playground: every quantity of a network in the browser, in the numbers of the engine.

`clearprop play` opens one file, static/page.html, which computes everything itself: its sources are
in the folder web/ of the repository, and the native engine is in it as WebAssembly. Here is what
Python has to do with it:

- **What the page starts with**: a link, a table, a network (:mod:`.start`, :mod:`.page_file`).
- **What the page knows from Python**: symbols, formulas, the terms of each step, the thresholds and
  texts of findings (:mod:`.describe`, which writes them as JSON into web/src/data).
- **What the programs of "copy as Python" call**: the datasets (:mod:`.datasets`, and
  :mod:`.elementary` with functions that have the same bits everywhere), and what the workshop shows
  besides ŷ and ℒ (:mod:`.results`).

Tests compare every number of the page with what its program prints.
"""
