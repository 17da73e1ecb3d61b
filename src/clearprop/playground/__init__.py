"""The playground: every quantity of a network in the browser, in the numbers of the engine.

`clearprop play` serves a page on loopback. How it is made:

- **All numbers come from Python.** The page draws what it is sent and computes nothing; each number
  on it has a `data-name` and a `data-value`, and the lines of "copy as Python" print the same value
  under the same name.
- **A station is a record in a table** (:mod:`.stations`): settings, a pure function from settings
  to numbers, presets. A new one is a module here, a module of the page, and a line in each table.
- **Settings are frozen records whose fields know their bounds** (:mod:`.settings`). One description
  serves the checks, the link (:mod:`.links`) and the controls of the page.
- **A run is a program** (:mod:`.runs`): the settings, and the steps with what was changed between
  them. The link holds it, "copy as Python" writes it as calls of `net.train`, and snapshots lead
  back to any of its steps, bit by bit.
- **A session is a thread with a queue** (:mod:`.session`): one for each tab. It answers commands
  (:mod:`.commands`) in their order, trains between them, and publishes frames (:mod:`.pictures`).
- **The server** (:mod:`.server`) has four files and one socket, and :mod:`.security` at the door.

The page's sources are in the folder web/ of the repository; scripts/page builds them into static/,
which is part of the package.
"""
