"""Where those with text, sound or tables are sent, which no source reads."""

OTHER_KINDS = "text, sound and tables are recorded from your own training code: docs/tutorials/loop.md"
