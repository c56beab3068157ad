"""A Resolve whose objects have the recorded names and no others, and the traps of the real one.

Its renders and stills are made of the real files of the clips.
"""

# ruff: noqa: N802  # the names are Resolve's

import hashlib
import shutil
from pathlib import Path
from typing import Any

from tests.hosts.resolve.fake_media import FakeItem, FakeMedia, FakePool, FakeTimeline
from tests.hosts.resolve.recorded import API, Recorded, Trouble

CODECS = {
    "RGB float (ZIP Compression)": "RGBFloatZIP",
    "RGB half (DWAA Compression)": "RGBHalfDWAA",
    "RGB half (No Compression)": "RGBHalf",
    "RGB half (PIZ Compression)": "RGBHalfPIZ",
    "RGB half (ZIP Compression)": "RGBHalfZIP",
}


class FakeProject(Recorded):
    """The open project."""

    kind = "Project"

    def __init__(self, trouble: Trouble, world: "FakeResolve") -> None:
        super().__init__(trouble)
        self.world = world
        self.settings = {
            "colorScienceMode": "davinciYRGBColorManagedv2",
            "separateColorSpaceAndGamma": "0",
            "colorSpaceInput": "Rec.709 Gamma 2.4",
            "colorSpaceTimeline": "DaVinci WG/Intermediate",
            "colorSpaceOutput": "ACEScg",
            "timelineFrameRate": "24.0",
            "timelineResolutionWidth": "1920",
            "timelineResolutionHeight": "1080",
        }
        self.timeline = FakeTimeline(trouble, world)
        self.timelines = [self.timeline]
        self.pool = FakePool(trouble, self)
        self.format = ("mov", "ProRes422HQ")
        self.mode = 0
        self.render_settings: dict[str, Any] = {}
        self.renders: dict[str, dict[str, Any]] = {}
        self.fails = ""
        """What a render fails with."""
        self.loses = 0
        """Frames at its end that a render does not write."""
        self.polls = 0

    def GetName(self) -> str:
        return "Feature One"

    def GetSetting(self, name: str) -> str:
        return str(self.settings.get(name, ""))

    def GetCurrentTimeline(self) -> FakeTimeline:
        return self.timeline

    def SetCurrentTimeline(self, timeline: FakeTimeline) -> bool:
        if timeline not in self.timelines:
            return False
        self.timeline = timeline
        return True

    def GetMediaPool(self) -> FakePool:
        return self.pool

    def GetRenderCodecs(self, form: str) -> dict[str, str]:
        return dict(CODECS) if form == "exr" else {}

    def GetCurrentRenderFormatAndCodec(self) -> dict[str, str]:
        return {"format": self.format[0], "codec": self.format[1]}

    def SetCurrentRenderFormatAndCodec(self, form: str, codec: str) -> bool:
        if form == "exr" and codec not in CODECS.values():
            return False
        self.format = (form, codec)
        return True

    def GetCurrentRenderMode(self) -> int:
        return self.mode

    def SetCurrentRenderMode(self, mode: int) -> bool:
        self.mode = mode
        return True

    def SetRenderSettings(self, settings: dict[str, Any]) -> bool:
        unknown = set(settings) - set(API["render_settings"])
        if unknown:
            raise self.trouble.fail(f"no such render settings: {sorted(unknown)}")
        self.render_settings = dict(settings)
        return True

    def AddRenderJob(self) -> str:
        job = f"job-{len(self.trouble.called('AddRenderJob'))}"
        self.renders[job] = {**self.render_settings, "format": self.format, "status": "Ready"}
        return job

    def StartRendering(self, jobs: list[str], interactive: bool = False) -> bool:
        if interactive:
            raise self.trouble.fail("an interactive render may open a dialog")
        self.polls = 2
        for job in jobs:
            self._render(self.renders[job])
        return True

    def IsRenderingInProgress(self) -> bool:
        self.polls -= 1
        return self.polls > 0

    def GetRenderJobStatus(self, job: str) -> dict[str, Any]:
        return {"JobStatus": self.renders[job]["status"], "Error": self.fails}

    def DeleteRenderJob(self, job: str) -> bool:
        return self.renders.pop(job, None) is not None

    def ExportCurrentFrameAsStill(self, path: str) -> bool:
        if Path(path).suffix not in (".png", ".jpg", ".tif") or not Path(path).parent.is_dir():
            return False
        Path(path).write_bytes(self.world.picture())
        return True

    def _render(self, render: dict[str, Any]) -> None:
        if render["format"][0] != "exr" or self.world.page != "deliver" or self.mode != 1:
            raise self.trouble.fail(f"rendered {render['format']} on page {self.world.page}")
        if self.fails:
            render["status"] = "Failed"
            return
        for frame in range(int(render["MarkIn"]), int(render["MarkOut"]) + 1 - self.loses):
            item = self.timeline.at(frame)
            if item is None or item.media is None:
                raise self.trouble.fail(f"rendered frame {frame}, where there is no clip")
            name = f"{render['CustomName']}{frame:08d}.exr"
            source = item.media.file(item.left + frame - item.start)
            shutil.copy(source, Path(render["TargetDir"]) / name)
        render["status"] = "Complete"


class FakeManager(Recorded):
    """The project manager."""

    kind = "ProjectManager"

    def __init__(self, trouble: Trouble, project: FakeProject | None) -> None:
        super().__init__(trouble)
        self.project = project

    def GetCurrentProject(self) -> FakeProject | None:
        return self.project


class FakeResolve(Recorded):
    """The application: what scripts are given.

    Args:
        studio: Whether it is the Studio edition.
        version: Major, minor and patch.
    """

    kind = "Resolve"

    def __init__(self, *, studio: bool = True, version: tuple[int, int, int] = (21, 0, 3)) -> None:
        super().__init__(Trouble(free=not studio))
        self.studio, self.number = studio, version
        self.page = "edit"
        self.playhead = 0
        self.project = FakeProject(self.trouble, self)
        self.manager = FakeManager(self.trouble, self.project)

    def GetProductName(self) -> str:
        return "DaVinci Resolve Studio" if self.studio else "DaVinci Resolve"

    def GetVersion(self) -> list[Any]:
        return [*self.number, 7, ""]

    def GetCurrentPage(self) -> str:
        return self.page

    def OpenPage(self, name: str) -> bool:
        self.page = name
        return True

    def GetProjectManager(self) -> FakeManager:
        return self.manager

    # for tests
    def clip(
        self,
        pattern: str,
        frames: tuple[int, int],
        *,
        left: int = 0,
        length: int = 0,
        track: int = 1,
    ) -> FakeItem:
        """Put a sequence on the timeline, under the playhead; handles are what is left of it."""
        timeline = self.project.timeline
        name = pattern.replace("%04d", f"[{frames[0]:04d}-{frames[1]:04d}]")
        properties = {"File Path": name, "Start": str(frames[0]), "Input Color Space": "ACEScg"}
        media = FakeMedia(self.trouble, self.project, properties)
        length = length or frames[1] - frames[0] + 1 - left
        item = FakeItem(self.trouble, media, timeline.start + 100, length, left)
        self.playhead = item.start + length // 2
        return timeline.put(item, track)

    def picture(self) -> bytes:
        """Return what stands for the picture under the playhead: a hash of all that it shows."""
        item = self.project.timeline.at(self.playhead)
        if item is None or item.media is None:
            return b"black"
        parts = [str(item.media.file(0))]
        for comp in item.comps:
            if comp.is_rendered():
                parts += [str(loader.rendered.get("Clip")) for loader in comp.loaders()]
        return hashlib.sha256("|".join(parts).encode()).digest()

    def folder(self, *names: str) -> Any:
        """Return a bin by its path."""
        found = self.project.pool.root
        for name in names:
            found = next(one for one in found.folders if one.name == name)
        return found
