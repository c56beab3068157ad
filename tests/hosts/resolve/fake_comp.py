"""A Fusion comp with the traps of the real one."""

# ruff: noqa: N802  # the names are Resolve's

from typing import Any

from tests.hosts.resolve.recorded import Recorded, Trouble


class FakeTool(Recorded):
    """A node. What is set under a lock reads back and is not rendered."""

    kind = "Operator"

    def __init__(self, trouble: Trouble, comp: "FakeComp", tool: str, name: str) -> None:
        super().__init__(trouble)
        self.comp, self.tool, self.name = comp, tool, name
        self.shown: dict[str, Any] = {}
        self.rendered: dict[str, Any] = {}
        self.sources: dict[str, FakeTool] = {}

    def SetInput(self, name: str, value: Any, time: float = 0) -> None:
        self.shown[name] = value
        if not self.comp.locked:
            self.rendered[name] = value
        if not self.comp.undo:
            raise self.trouble.fail("SetInput outside of StartUndo and EndUndo")

    def GetInput(self, name: str, time: float = 0) -> Any:
        return self.shown.get(name)

    def ConnectInput(self, name: str, source: "FakeTool") -> bool:
        if not self.comp.locked:
            raise self.trouble.fail("ConnectInput outside of a lock")
        self.sources[name] = source
        return True

    def SetAttrs(self, attributes: dict[str, Any]) -> bool:
        self.name = attributes.get("TOOLS_Name", self.name)
        return True


class FakeComp(Recorded):
    """A comp of a clip, with its MediaIn and MediaOut."""

    kind = "Composition"

    def __init__(self, trouble: Trouble, start: int = 0) -> None:
        super().__init__(trouble)
        self.start = start
        self.locked = False
        self.undo: list[str] = []
        self.steps: list[str] = []
        self.tools = [
            FakeTool(trouble, self, "MediaIn", "MediaIn1"),
            FakeTool(trouble, self, "MediaOut", "MediaOut1"),
        ]
        self.tools[1].sources["Input"] = self.tools[0]

    def Lock(self) -> None:
        if self.locked:
            raise self.trouble.fail("locked twice")
        self.locked = True

    def Unlock(self) -> None:
        if not self.locked:
            raise self.trouble.fail("unlocked without a lock")
        self.locked = False

    def StartUndo(self, name: str) -> None:
        self.undo.append(name)

    def EndUndo(self, keep: bool) -> None:
        if not self.undo or not keep:
            raise self.trouble.fail("EndUndo that undoes, or without a start")
        self.steps.append(self.undo.pop())

    def AddTool(self, tool: str, x: int = 0, y: int = 0) -> FakeTool:
        if not self.locked:
            self.trouble.modal = True
            raise self.trouble.fail(f"AddTool({tool}) outside of a lock opens a dialog")
        made = FakeTool(self.trouble, self, tool, f"{tool}1")
        self.tools.append(made)
        return made

    def FindTool(self, name: str) -> FakeTool | None:
        return next((tool for tool in self.tools if tool.name == name), None)

    def GetAttrs(self) -> dict[str, Any]:
        return {"COMPN_RenderStart": float(self.start)}

    # for tests and the fake's renderer
    def is_rendered(self) -> bool:
        """Whether MediaOut descends from MediaIn; the real host leaves the comp out otherwise."""
        return self.tools[0] in _above(self.tools[1])

    def loaders(self) -> list[FakeTool]:
        """Return the Loaders that take part."""
        return [tool for tool in _above(self.tools[1]) if tool.tool == "Loader"]


def _above(tool: FakeTool) -> list[FakeTool]:
    found = []
    for source in tool.sources.values():
        found += [source, *_above(source)]
    return found
