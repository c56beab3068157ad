"""What needs no Nuke, in the standard library's own frame: `test_pythons` runs it in each."""

# ruff: noqa: PT009, PT027 - pytest is not in every Python

import doctest
import importlib
import json
import os
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "..", "hosts", "nuke"))

from faceplate_nuke import graph, nkfile, ocio, programs, sampling, schema, versions
from faceplate_nuke.client import Client, Watched
from faceplate_nuke.errors import Cancelled, PluginError
from faceplate_nuke.helper import Helper

SCHEMA = {
    "properties": {
        "mode": {"type": "string", "enum": ["overlay", "seamless"], "default": "overlay"},
        "feather": {"type": "number", "default": 8.0, "minimum": 0, "maximum": 60, "unit": "%",
                    "description": "Width of the soft edge."},
        "levels": {"type": "integer", "default": 1, "minimum": 1, "maximum": 4},
        "masked": {"type": "boolean", "default": True},
        "matte": {"type": "string", "default": "learned*hull"},
        "odd": {"type": "object", "default": {}},
    }
}  # fmt: skip


def helper(code, **options):
    return Helper([sys.executable, "-c", code], **options)


class Knob:
    """A knob with a curve."""

    def __init__(self, now, curve=None):
        self.now, self.curve = now, curve

    def value(self):
        return self.now

    def isAnimated(self):  # noqa: N802 - Nuke's name
        return self.curve is not None

    def hasExpression(self):  # noqa: N802 - Nuke's name
        return False

    def getValueAt(self, frame):  # noqa: N802 - Nuke's name
        return self.curve(frame)


class HelperTest(unittest.TestCase):
    def test_events_are_read_line_by_line_to_the_end(self):
        one = helper("import json\nfor n in range(3): print(json.dumps({'event': 'e', 'n': n}))")
        self.assertEqual([event["n"] for event in one.events() if event], [0, 1, 2])
        one.close()

    def test_what_is_no_event_is_passed_over(self):
        one = helper("print('warning: x'); print('[1]'); print('{\"event\": \"done\"}')")
        with self.assertLogs("faceplate_nuke.helper", "WARNING"):
            self.assertEqual([each for each in one.events() if each], [{"event": "done"}])
        one.close()

    def test_a_silent_helper_is_killed(self):
        one = helper("import time; time.sleep(60)", silence_s=0.3)
        with self.assertRaises(PluginError) as caught:
            list(one.events(0.05))
        self.assertEqual(caught.exception.code, "HelperSilent")
        one.close()
        self.assertFalse(one.running)

    def test_a_helper_that_says_nothing_tells_what_it_complained_of(self):
        one = helper("import sys; sys.exit('no module named grpc')")
        with self.assertRaises(PluginError) as caught:
            list(one.events(0.05))
        self.assertIn("no module named grpc", str(caught.exception))
        one.close()

    def test_a_helper_that_is_asked_to_stop_may_say_so(self):
        code = (
            "import sys\n"
            'print(\'{"event": "submitted"}\', flush=True)\n'
            "sys.stdin.read()\n"  # until the pipe ends
            'print(\'{"event": "cancelled"}\', flush=True); sys.exit(143)\n'
        )
        one, heard = helper(code), []
        for event in one.events(0.05):
            if event:
                heard.append(event["event"])
                one.ask_to_stop()
        self.assertEqual(heard, ["submitted", "cancelled"])
        one.close()

    def test_a_program_that_is_not_there_is_an_error_of_ours(self):
        with self.assertRaises(PluginError) as caught:
            Helper(["/nowhere/faceplate-client"])
        self.assertEqual(caught.exception.exit_code, 6)


class ClientTest(unittest.TestCase):
    def client(self, folder, code):
        path = os.path.join(folder, "client")
        with open(path, "w") as file:
            file.write(f"#!{sys.executable}\nimport json, sys, time\n{code}")
        os.chmod(path, 0o755)
        return Client(path, "unix:/x", dict(os.environ))

    @unittest.skipUnless(os.name == "posix", "a script with a shebang")
    def test_a_job_is_submitted_so_that_it_ends_with_its_helper(self):
        with tempfile.TemporaryDirectory() as folder:
            said = "print(json.dumps({'event': 'done', 'result': {'words': sys.argv[1:]}}))"
            result = self.client(folder, said).submit("swap", {"frames": "1"}, lambda event: True)
        self.assertEqual(
            result["words"],
            ["--server", "unix:/x", "--with-parent", "submit", "swap", "--cancel-on-disconnect",
             "--json", '{"frames": "1"}'],
        )  # fmt: skip

    @unittest.skipUnless(os.name == "posix", "a script with a shebang")
    def test_an_error_keeps_its_request_and_its_exit_code(self):
        said = (
            "print(json.dumps({'event': 'error', 'code': 'ConsentRefused', 'message': 'expired', "
            "'hint': 'Ask.', 'exit_code': 6, 'request_id': 'ab12'}))"
        )
        with tempfile.TemporaryDirectory() as folder, self.assertRaises(PluginError) as caught:
            self.client(folder, said).ask(["models"])
        self.assertEqual(str(caught.exception), "ConsentRefused: expired. Ask. (request ab12)")
        self.assertEqual(caught.exception.exit_code, 6)

    @unittest.skipUnless(os.name == "posix", "a script with a shebang")
    def test_whoever_watches_can_stop_it(self):
        with tempfile.TemporaryDirectory() as folder:
            client, watched = self.client(folder, "sys.stdin.read()"), Watched()
            began = time.monotonic()
            threading.Timer(0.3, watched.stop).start()
            with self.assertRaises(Cancelled):
                client.ask(["models"], watched=watched)
        self.assertLess(time.monotonic() - began, 20)


class ProgramsTest(unittest.TestCase):
    def test_the_knob_goes_over_the_variable_and_that_over_path(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = {}
            for name in ("knob", "variable", "faceplate-client"):
                paths[name] = os.path.join(folder, name)
                with open(paths[name], "w"):
                    pass
                os.chmod(paths[name], 0o755)
            both = {"PATH": folder, "FACEPLATE_CLIENT": paths["variable"]}

            def find(asked, environment):
                return programs.find_program(
                    "faceplate-client", asked, "FACEPLATE_CLIENT", environment
                )

            self.assertEqual(find(paths["knob"], both), paths["knob"])
            self.assertEqual(find("", both), paths["variable"])
            self.assertEqual(find(" ", {"PATH": folder}), paths["faceplate-client"])
            with self.assertRaises(PluginError) as caught:
                find("/nowhere", both)
            self.assertIn("its knob names /nowhere", str(caught.exception))
            with self.assertRaises(PluginError) as caught:
                find("", {"PATH": ""})
            self.assertIn("FACEPLATE_CLIENT", str(caught.exception))

    def test_nukes_own_python_and_libraries_are_taken_out(self):
        clean = programs.clean_environment(
            {"PYTHONHOME": "/n", "PYTHONPATH": "/n", "HOME": "/h",
             "LD_LIBRARY_PATH": os.pathsep.join(["/opt/Nuke", "/opt/Nuke/lib", "/cuda"])},
            "/opt/Nuke",
        )  # fmt: skip
        self.assertEqual(clean, {"HOME": "/h", "LD_LIBRARY_PATH": "/cuda"})


class RecipeTest(unittest.TestCase):
    def setUp(self):
        self.specs = schema.knob_specs(SCHEMA)

    def test_every_kind_of_setting_becomes_a_knob_with_its_range(self):
        kinds = {spec.setting: spec.kind for spec in self.specs}
        self.assertEqual(kinds, {"mode": "choice", "feather": "float", "levels": "int",
                                 "masked": "bool", "matte": "text"})  # fmt: skip
        feather = self.specs[1]
        self.assertEqual((feather.low, feather.high, feather.default), (0, 60, 8))
        self.assertIn("From 0 to 60 %, by default 8.", feather.tooltip)
        self.assertEqual(self.specs[0].section, "Mode")
        self.assertEqual([spec.animatable for spec in self.specs], [True] * 4 + [False])

    def test_defaults_are_not_sent(self):
        knobs = {"fp_r_feather": Knob(8.0), "fp_r_mode": Knob("seamless"), "fp_r_matte": Knob("x")}
        recipe = sampling.recipe_of(self.specs, knobs, [1, 2])
        self.assertEqual(recipe, {"mode": "seamless", "matte": "x"})

    def test_what_moves_is_sampled_at_every_frame(self):
        knobs = {
            "fp_r_feather": Knob(0, lambda frame: 10.0 * (frame - 1000)),
            "fp_r_mode": Knob("overlay", lambda frame: float(frame >= 1003)),
            "fp_r_levels": Knob(1, lambda frame: 1.6),
            "fp_r_masked": Knob(True, lambda frame: 0.0),
        }
        recipe = sampling.recipe_of(self.specs, knobs, [1001, 1002, 1003, 1010])
        values = {name: [(key["frame"], key["value"]) for key in table]
                  for name, table in recipe["keys"].items()}  # fmt: skip
        # a curve that overshoots its range is held to it
        self.assertEqual(values["feather"], [(1001, 10), (1002, 20), (1003, 30), (1010, 60)])
        self.assertEqual(values["mode"], [(1001, "overlay"), (1002, "overlay"),
                                          (1003, "seamless"), (1010, "seamless")])  # fmt: skip
        self.assertEqual((recipe["levels"], recipe["masked"]), (2, False))
        self.assertEqual(
            sampling.recipe_at(self.specs, knobs, 1003),
            {"feather": 30.0, "mode": "seamless", "levels": 2, "masked": False},
        )

    def test_a_flat_run_keeps_its_ends_only(self):
        table = [(frame, 1.0) for frame in range(1, 100)] + [(100, 2.0)]
        self.assertEqual(sampling.thinned(table), [(1, 1.0), (99, 1.0), (100, 2.0)])


class OcioTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def config(self, name, version="2.4"):
        path = os.path.join(self.folder.name, name)
        with open(path, "w") as file:
            file.write(f"# a config\nocio_profile_version: {version}\n")
        return path

    def root(self, **more):
        return {"colorManagement": "OCIO", "workingSpaceLUT": "scene_linear (ACEScg)",
                "OCIO_config": "custom", "customOCIOConfigPath": self.config("custom.ocio"),
                "OCIOConfigPath": self.config("stock.ocio", "2.1"), **more}  # fmt: skip

    def test_the_variable_goes_over_the_script_and_that_over_stock(self):
        path = self.config("env.ocio", "2")
        found = ocio.discover({"OCIO": path}, self.root())
        self.assertEqual((found.path, found.source, found.version), (path, "$OCIO", "2"))
        found = ocio.discover({}, self.root())
        self.assertEqual(os.path.basename(found.path), "custom.ocio")
        self.assertEqual((found.version, found.working_space), ("2.4", "ACEScg"))
        self.assertEqual(len(found.sha256), 64)
        found = ocio.discover({}, self.root(OCIO_config="fn-nuke_cg-config"))
        self.assertEqual(os.path.basename(found.path), "stock.ocio")

    def test_nukes_own_management_has_no_config_and_linear_rec709(self):
        found = ocio.discover({}, self.root(colorManagement="Nuke"))
        self.assertEqual((found.path, found.working_space), ("", "lin_rec709_scene"))

    def test_a_config_that_cannot_be_read_or_means_another_thing_elsewhere_is_refused(self):
        for root, environment in (
            (self.root(customOCIOConfigPath="/nowhere/c.ocio"), {}),
            (self.root(OCIO_config="custom", customOCIOConfigPath="", OCIOConfigPath=""), {}),
            (self.root(), {"OCIO": "ocio://default"}),
        ):
            with self.assertRaises(PluginError) as caught:
                ocio.discover(environment, root)
            self.assertEqual((caught.exception.code, caught.exception.exit_code), ("NoOcio", 5))
        named = ocio.discover({"OCIO": "ocio://cg-config-v2.2.0_aces-v1.3_ocio-v2.4"}, {})
        self.assertTrue(named.path.startswith("ocio://cg-config"))


class VersionsTest(unittest.TestCase):
    def test_versions_count_up_and_are_never_shared(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "fp_v007"))
            os.mkdir(os.path.join(folder, "fp_vx"))
            made = []
            threads = [
                threading.Thread(target=lambda: made.append(versions.new_version(folder)))
                for _ in range(8)
            ]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
            names = sorted(os.path.basename(path) for path in made)
            self.assertEqual(names, [f"fp_v{n:03d}" for n in range(8, 16)])
            self.assertEqual(versions.latest_version(folder), 15)

    def test_a_folder_that_cannot_be_made_is_an_error_of_ours(self):
        with tempfile.NamedTemporaryFile() as file, self.assertRaises(PluginError):
            versions.new_version(os.path.join(file.name, "x"))


class GraphTest(unittest.TestCase):
    def test_parts_come_after_what_they_hang_on(self):
        known = {graph.PLATE, "FP_Read", "P"}
        shows = ("result", "blend by hand", "plate", "matte", "preview")
        for part in graph.result_parts("FP_Read", shows, "P"):
            self.assertLessEqual(set(part.inputs), known)
            known.add(part.name)

    def test_mappings_are_written_as_nuke_writes_them(self):
        part = graph.Part("Shuffle2", "x", mappings=(("fp.alpha", "rgba.red"),))
        self.assertEqual(nkfile.mapping_text(part), "1 fp.alpha 0 3 rgba.red 0 0")


class ErrorsTest(unittest.TestCase):
    def test_an_event_without_words_is_still_an_error(self):
        error = PluginError.of_event({"event": "error"})
        self.assertEqual((error.code, error.exit_code), ("Internal", 1))
        self.assertEqual(json.dumps(str(error)), '"Internal: the helper told no reason."')


class SchemaTest(unittest.TestCase):
    def test_a_huge_schema_is_read_quickly_and_odd_ones_are_left_out(self):
        many = {
            f"setting_{n}": {"type": "number", "default": 0.5, "minimum": 0, "maximum": 1,
                             "description": "x" * 400}
            for n in range(5000)
        }  # fmt: skip
        many["no_default"] = {"type": "number"}
        many["odd"] = {"type": "array", "default": []}
        began = time.process_time()
        specs = schema.knob_specs({"properties": many})
        self.assertEqual(len(specs), 5000)
        self.assertLess(time.process_time() - began, 1)
        self.assertEqual(schema.knob_specs({}), [])

    def test_a_slider_ends_where_a_hand_can_still_set_it(self):
        wide = {"type": "number", "default": 8.0, "minimum": -400, "maximum": 400}
        (spec,) = schema.knob_specs({"properties": {"feather": wide}})
        self.assertEqual((spec.slider, spec.low, spec.high), ((-100, 100), -400, 400))
        knob = Knob(0, lambda frame: 300.0)  # typed, it goes as far as the setting does
        self.assertEqual(sampling.value_at(spec, knob, 1), 300)


def load_tests(loader, tests, pattern):
    """Run the examples of the docstrings, too."""
    for name in ("sampling", "schema", "ocio", "versions", "nkfile"):
        tests.addTests(doctest.DocTestSuite(importlib.import_module(f"faceplate_nuke.{name}")))
    return tests


if __name__ == "__main__":
    unittest.main()
