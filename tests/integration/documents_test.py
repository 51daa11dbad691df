"""The documents: how long they may be, and that what they refer to exists."""

import pathlib
import re
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [REPOSITORY / "README.md", REPOSITORY / "ARCHITECTURE.md", REPOSITORY / "CONTRIBUTING.md",
             REPOSITORY / "deploy" / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
FOLDERS = ("actor", "cli", "common", "coordinator", "deploy", "docs", "learner", "proto", "tests")


def source_files():
    """The names of all source files, without their folders."""
    return {path.name for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*") if path.is_file()}


class Documents(unittest.TestCase):
    def test_architecture_is_one_page(self):
        lines = (REPOSITORY / "ARCHITECTURE.md").read_text().splitlines()
        self.assertLessEqual(len(lines), 120)
        self.assertEqual([line for line in lines if len(line) > 120], [])

    def test_every_page_is_in_the_index(self):
        index = (REPOSITORY / "docs" / "README.md").read_text()
        for page in (REPOSITORY / "docs").glob("*.md"):
            if page.name != "README.md":
                self.assertIn(f"]({page.name})", index)

    def test_links_lead_somewhere(self):
        for document in DOCUMENTS:
            for target, anchor in re.findall(r"\]\(([^)#\s]*)(#[^)\s]*)?\)", document.read_text()):
                if target.startswith("http"):
                    continue
                path = document.parent / target if target else document
                self.assertTrue(path.exists(), f"{document.name}: there is no {target}")
                if anchor:
                    self.assertIn(anchor[1:], self.anchors(path), f"{document.name}: {target} has no {anchor}")

    def anchors(self, path):
        """As GitHub makes them of headings."""
        headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
        return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]

    def test_files_that_are_named_exist(self):
        names = source_files()
        missing = []
        for document in DOCUMENTS:
            for words in re.findall(r"`([^`\n]+)`", document.read_text()):
                word = words.split()[0]
                is_path = re.fullmatch(rf"(?:{'|'.join(FOLDERS)})/[\w./-]*", word)
                is_name = re.fullmatch(r"\w+\.(?:cc|h|proto|py)", word)
                if is_path and not (REPOSITORY / word).exists() or is_name and word not in names:
                    missing.append(f"{document.name}: {word}")
        self.assertEqual(missing, [])

    def test_the_ways_of_a_step_pass_through_few_files(self):
        text = (REPOSITORY / "ARCHITECTURE.md").read_text()
        ways = re.findall(r"^## One step's way to its (.*)\n((?:(?!^## ).*\n)*)", text, re.MULTILINE)
        self.assertEqual([destination for destination, _ in ways], ["database row", "minibatch"])
        for destination, way in ways:
            stations = "\n".join(line for line in way.splitlines() if line.startswith("|"))
            files = {pathlib.PurePath(name).name for name in re.findall(r"`([\w/]+\.cc)`", stations)}
            self.assertTrue(10 <= len(files) <= 18, f"{destination}: {len(files)} files: {sorted(files)}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
