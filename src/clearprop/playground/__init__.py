"""The playground: every quantity of a network in the browser, in the numbers of the engine.

`clearprop play` serves a page on loopback. Its design:

- **All numbers come from Python.** The page draws what it receives and computes nothing. Each
  number on it has a `data-name` and a `data-value`, and the code of "copy as Python" prints the
  same value under the same name.
- **A station is a record in a table** (:mod:`.stations`): settings, presets, and a pure function
  from settings to numbers. A new station is a module here, a module of the page, and a line in each
  table.
- **Settings are frozen records whose fields know their bounds** (:mod:`.settings`). One description
  serves the checks, the link (:mod:`.links`) and the controls of the page.
- **A run is a program** (:mod:`.runs`): the settings, and the steps with the changes between them.
  The link holds it, "copy as Python" writes it as calls of `net.train`, and snapshots lead back to
  any of its steps, bit for bit.
- **A session is a thread with a queue** (:mod:`.session`), one for each tab. It answers commands
  (:mod:`.commands`) in order, trains between them, and publishes frames (:mod:`.pictures`).
- **The server** (:mod:`.server`) serves four files and one socket; :mod:`.security` guards them.

The page's sources are in the folder web/ of the repository. scripts/page builds them into static/,
which is part of the package.
"""
