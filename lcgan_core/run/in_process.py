"""A papermill engine that runs the cells in papermill's own process: no kernel to start.

`papermill` itself, nbval and Jupyter use the IPython kernel as ever; a test holds that both give
the same outputs.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import nbformat
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_output
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from traitlets import List
from traitlets.config import Config

NAME = "in-process"


class _Publisher(DisplayPublisher):
    """`display(...)` and figures: kept in the shell's outputs."""

    def publish(self, data, metadata=None, **_):  # type: ignore[no-untyped-def, override]
        self.shell.keep("display_data", data=_text(data), metadata=metadata or {})


class _Result(DisplayHook):
    """The value of a cell's last line: kept in the shell's outputs."""

    shell: _Shell

    def write_output_prompt(self) -> None:
        """A notebook shows the number beside the cell, not in its output."""

    def write_format_data(self, format_dict: Mapping, md_dict: Mapping | None = None) -> None:
        """Keep all representations of a value."""
        self.shell.keep(
            "execute_result",
            data=_text(format_dict),
            metadata=md_dict or {},
            execution_count=self.prompt_count,
        )


class _Stream(io.TextIOBase):
    """What a cell prints: kept in the shell's outputs, joined as a kernel joins it."""

    def __init__(self, shell: _Shell, name: str):
        self.shell, self.name = shell, name

    def write(self, text: str) -> int:
        last = self.shell.outputs[-1] if self.shell.outputs else {}
        if last.get("output_type") == "stream" and last["name"] == self.name:
            last["text"] += text
        elif text:
            self.shell.keep("stream", name=self.name, text=text)
        return len(text)


class _Shell(InteractiveShell):
    """IPython as a kernel has it, with its outputs in a list instead of on a socket."""

    outputs: Any = List()

    def enable_gui(self, gui: str | None = None) -> None:
        """There is no window to wait for."""

    def keep(self, kind: str, **content: Any) -> None:
        self.outputs.append(new_output(kind, **content))

    def init_display_pub(self) -> None:
        self.display_pub = _Publisher(parent=self, shell=self)

    def init_displayhook(self) -> None:
        self.displayhook_class = _Result
        super().init_displayhook()

    def _showtraceback(self, etype: type, evalue: Any, stb: list[str]) -> None:
        self.keep("error", ename=etype.__name__, evalue=str(evalue), traceback=stb)


def _text(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no bytes: pictures are written as base64, as in any notebook."""
    return {
        mime: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for mime, value in bundle.items()
    }


class InProcess(Engine):
    """`papermill --engine in-process`, for Python notebooks; one notebook a process."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **_: Any
    ) -> None:
        """Run the cells in order; stop at the first error, which papermill then raises."""
        shell = _Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
        shell.enable_matplotlib("inline")
        for index, cell in enumerate(nb_man.nb.cells):
            nb_man.cell_start(cell, index)
            if cell.cell_type == "code" and cell.source.strip():
                error = cls._run(shell, cell)
                if error is not None:
                    nb_man.cell_exception(cell, cell_index=index, exception=error)
                    nb_man.cell_complete(cell, cell_index=index)
                    break
            nb_man.cell_complete(cell, cell_index=index)

    @staticmethod
    def _run(shell: _Shell, cell: nbformat.NotebookNode) -> BaseException | None:
        shell.outputs = []
        cell.execution_count = shell.execution_count
        with (
            redirect_stdout(_Stream(shell, "stdout")),  # type: ignore[type-var]
            redirect_stderr(_Stream(shell, "stderr")),  # type: ignore[type-var]
        ):
            result = shell.run_cell(cell.source, store_history=True)
        cell.outputs = shell.outputs
        return result.error_before_exec or result.error_in_exec


papermill_engines.register(NAME, InProcess)
