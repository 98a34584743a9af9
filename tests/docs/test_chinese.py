"""One Chinese term for one thing: the names that the glossary rejects stand nowhere in what Chinese readers read."""

import re
from pathlib import Path

import pytest

from docs.parts import ROOT
from tests.docs.pages import PAGES, anchors, commands, links, python

READ = [
    ROOT / "README.zh.md",
    *sorted((ROOT / "docs").glob("*.zh.md")),
    *sorted((ROOT / "lessons/prose/zh").glob("*.md")),
]
SLIPS = "\n## 译名与笔误\n"
"""The heading under which the page of misstatements lists rejected names."""


def rejected() -> list[str]:
    """Return the last column of the glossary's table of the field's words."""
    _, _, table = PAGES["docs/glossary.md"].partition("| English | 中文 | 说明 | 不用 |\n")
    rows = re.findall(r"^\|.*\| ([^|]*?) ?\|$", table.partition("\n\n")[0], re.M)
    return [name for row in rows[1:] for name in row.split("、") if name]


@pytest.mark.parametrize("path", READ, ids=lambda path: path.name)
def test_no_rejected_name_is_used(path: Path) -> None:
    text = path.read_text(encoding="utf-8").partition(SLIPS)[0]
    assert [name for name in rejected() if name in text] == []


def test_the_glossary_rejects_names() -> None:
    assert {"残缺网络", "加法器", "正向传播", "后向传播"} <= set(rejected())
    assert not any(re.search(r"[|\s-]", name) for name in rejected())


def test_readme_says_the_same_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a machine can hold against each other: the commands, the code, and where the links lead."""
    ours = "README.zh.md"
    monkeypatch.setitem(PAGES, ours, (ROOT / ours).read_text(encoding="utf-8"))
    assert set(commands(ours)) == set(commands("README.md"))
    assert python(ours) == python("README.md")
    assert set(links("README.md")) - set(links(ours)) <= {ours, "docs/misstatements.md", "docs/course.md"}
    for link in links(ours):
        path, _, anchor = link.partition("#")
        assert not anchor or anchor in anchors((ROOT / path).read_text(encoding="utf-8"))
        assert (ROOT / path).exists()
