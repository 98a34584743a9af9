"""Make ``lessons/fonts/chinese.otf``, with which plots write Chinese: ``python -m lessons.tools.font NotoSansCJK.ttc``.

Matplotlib's own font has no Chinese glyphs, and readers' machines may have none either. This takes from Noto Sans CJK
(Debian's package fonts-noto-cjk) the characters that the Chinese prose uses, and those of ASCII. It is needed to make
the file and not to use it; the same bytes come out every time. Exit status: 0, or 2 if there is no such font.
"""

from __future__ import annotations

import io
import sys

from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]
from fontTools.ttLib import TTCollection, TTLibError  # type: ignore[import-untyped]

from lessons.tools.lettering import FAMILY, FONT
from lessons.tools.prose import FOLDER
from simulations.files import write

SOURCE = "Noto Sans CJK SC"
NAMES = {1: FAMILY, 3: FAMILY, 4: FAMILY, 6: FAMILY.replace(" ", "")}
"""What a modified font is called, by the entries of its table of names that say so."""
NEEDLESS = ["BASE", "GPOS", "GSUB", "VORG", "vhea", "vmtx"]
"""Tables for vertical lines and variants of glyphs."""
ASCII = {chr(code) for code in range(32, 127)}


def main(arguments: list[str] | None = None) -> int:
    """Make the font and return the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        (source,) = given
        collection = TTCollection(source, recalcTimestamp=False)
        font = next(one for one in collection.fonts if one["name"].getDebugName(1) == SOURCE)
    except (ValueError, OSError, TTLibError, StopIteration):
        print(f"error: expected the path of a collection (.ttc) with the font {SOURCE}", file=sys.stderr)
        return 2
    options = Options(layout_features=[], hinting=False, notdef_outline=True)
    options.drop_tables += NEEDLESS
    subsetter = Subsetter(options)
    subsetter.populate(text="".join(sorted(wanted())))
    subsetter.subset(font)
    for entry in font["name"].names:
        if entry.nameID in NAMES:
            entry.string = NAMES[entry.nameID]
    font["CFF "].cff.fontNames = [NAMES[6]]
    out = io.BytesIO()
    font.save(out)
    write(FONT, out.getvalue())
    return 0


def wanted() -> set[str]:
    """Return the characters of ASCII and of all Chinese prose."""
    files = (FOLDER / "zh").glob("*.md")
    return ASCII | {one for path in files for one in path.read_text(encoding="utf-8") if one.isprintable()}


if __name__ == "__main__":
    sys.exit(main())
