#!/usr/bin/env python3
"""Makes the fonts of the PDF from Debian's fonts-noto-core: fewer scripts, and a minus sign.

Run it in this folder, with fontTools installed, to make the same files again.
"""

from fontTools import subset
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

SOURCE = "/usr/share/fonts/truetype/noto/"
KEPT = (
    "U+0020-007E,U+00A0-024F,U+02C6-02DD,U+0300-0304,U+0306-0308,U+030A-030C,U+0327-0328,"
    "U+0370-03FF,U+0400-045F,U+0490-0491,U+1E00-1EFF,U+2010-2027,U+202F,U+2030,U+2032-2033,"
    "U+2039-203A,U+2044,U+2070-209C,U+20A0-20BF,U+2116,U+2122,U+2215,U+2264-2265,U+25CF,U+FFFD"
)
MINUS = 0x2212


def cut(name):
    options = subset.Options()
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = ["*"]
    options.drop_tables += ["DSIG"]
    options.layout_features = ["kern", "mark", "mkmk", "ccmp", "locl"]
    font = TTFont(SOURCE + name)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=subset.parse_unicodes(KEPT))
    subsetter.subset(font)
    add_minus(font)
    font.save(name)


def add_minus(font):
    """The bar of the plus sign, as wide as a digit: version 2.004 has none of its own."""
    plus = font.getBestCmap()[ord("+")]
    points = list(font["glyf"][plus].coordinates)
    left = min(x for x, _ in points)
    right = max(x for x, _ in points)
    below, above = sorted({y for x, y in points if x in (left, right)})
    pen = TTGlyphPen(None)
    pen.moveTo((left, below))
    for corner in ((left, above), (right, above), (right, below)):
        pen.lineTo(corner)
    pen.closePath()
    font.setGlyphOrder(font.getGlyphOrder() + ["minus"])
    font["glyf"]["minus"] = pen.glyph()
    font["hmtx"]["minus"] = font["hmtx"][plus]
    for table in font["cmap"].tables:
        table.cmap[MINUS] = "minus"


for file in ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"):
    cut(file)
