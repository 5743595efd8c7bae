#!/usr/bin/env python3
"""Each rule of tidy.py catches what it is for and lets good code pass."""
import io
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tidy  # noqa: E402

LAYERS = "0 base\n1 os\n1 codec\n2 model\n"
CMAKE = "clew_folder(base)\nclew_folder(os DEPENDS base)\nclew_folder(codec)\nclew_folder(model)\n"


class TidyTest(unittest.TestCase):
    def problems(self, files):
        with tempfile.TemporaryDirectory() as root:
            files = {"tools/layers.txt": LAYERS, "src/CMakeLists.txt": CMAKE, **files}
            for path, text in files.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as file:
                    file.write(text)
            for folder in os.listdir(os.path.join(root, "src")):
                page = os.path.join(root, "src", folder, "README.md")
                if os.path.isdir(os.path.dirname(page)) and not os.path.exists(page):
                    with open(page, "w", encoding="utf-8") as file:
                        file.write("# folder\n")
            out = io.StringIO()
            count = tidy.run(root, out=out)
            return count, out.getvalue()

    def assert_problem(self, files, text):
        count, out = self.problems(files)
        self.assertEqual(count, 1, out)
        self.assertIn(text, out)

    def assert_clean(self, files):
        count, out = self.problems(files)
        self.assertEqual(count, 0, out)

    def test_downward_include_passes(self):
        self.assert_clean({"src/os/a.cc": '#include "base/x.h"\n#include "os/a.h"\n'})

    def test_upward_include(self):
        self.assert_problem({"src/base/a.cc": '#include "model/x.h"\n'}, "only lower ranks")

    def test_sideways_include(self):
        self.assert_problem({"src/os/a.cc": '#include "codec/x.h"\n'}, "only lower ranks")

    def test_include_past_the_doors(self):
        readme = "# base\n\nDoors: result.h, hash.h\n"
        self.assert_clean({"src/os/a.cc": '#include "base/hash.h"\n', "src/base/README.md": readme})
        self.assert_problem({"src/os/a.cc": '#include "base/inner.h"\n', "src/base/README.md": readme}, "no door header")

    def test_try_positions(self):
        good = """
          CLEW_TRY(a());
          auto x = CLEW_TRY(b());
          return CLEW_TRY(c());
          if (y) CLEW_TRY(d());
          auto long_name =
              CLEW_TRY(e());
        """
        self.assert_clean({"src/base/a.cc": good})
        for bad in ("f(CLEW_TRY(a()));", "x == CLEW_TRY(a());", "S s{.a = CLEW_TRY(a())};", "f(1,\n  CLEW_TRY(a()));"):
            self.assert_problem({"src/base/a.cc": bad}, "CLEW_TRY stands alone")

    def test_banned_calls(self):
        for bad in ("throw 1;", "thread.detach();", "sprintf(b, x);", "int r = rand();", "std::regex r;"):
            self.assert_problem({"src/base/a.cc": bad}, "banned")
        self.assert_clean({"src/base/a.cc": '// never throw\nconst char* a = "throw rand()";\nsnprintf(b, 1, x);\n'
                                            "int operand(int);\nint y = operand(1); int n = 1'000'000;\n"})

    def test_unfinished_work(self):
        self.assert_problem({"src/base/a.cc": "// TO" "DO later\n"}, "unfinished")

    def test_source_without_target(self):
        self.assert_problem({"src/net/a.cc": "int a;\n", "tools/layers.txt": LAYERS + "3 net\n"}, "no target builds it")

    def test_format_page_without_test(self):
        self.assert_problem({"docs/formats/batch.md": "# batch\n"}, "no *_test.cc names this page")
        self.assert_clean({"docs/formats/batch.md": "# batch\n",
                           "src/base/a_test.cc": 'const char* page = "docs/formats/batch.md";\n'})

    def test_long_readme(self):
        self.assert_problem({"src/base/a.cc": "int a;\n", "src/base/README.md": "x\n" * 41}, "at most 40")


if __name__ == "__main__":
    unittest.main()
