"""Draw the あいうえお data set, `tinygrad_ce/data/aiueo.npz`, from free fonts; or check it.

    python examples/make_aiueo.py --quick              # check the shipped file: needs no font
    python examples/make_aiueo.py                      # draw it again
    python examples/make_aiueo.py --sheet aiueo.png    # and a picture of every glyph

Drawing needs Pillow (`pip install "tinygrad_ce[fonts]"`) and these fonts. On Debian 12, as root:

  apt-get update && apt-get install -y --no-install-recommends \\
    fonts-aoyagi-soseki fonts-cherrybomb fonts-dejima-mincho fonts-hanazono fonts-kiloji \\
    fonts-konatu fonts-kouzan-mouhitsu fonts-morisawa-bizud-gothic fonts-morisawa-bizud-mincho \\
    fonts-motoya-l-cedar fonts-motoya-l-maruberi fonts-mplus fonts-nanum fonts-reggae \\
    fonts-rocknroll fonts-seto fonts-smiley-sans fonts-stick fonts-yozvox-yozfont-antique \\
    fonts-yozvox-yozfont-cute fonts-yozvox-yozfont-new-kana fonts-yozvox-yozfont-standard-kana

and anywhere, in the folder where this script is to run (it reads ./node_modules):

  npm install --no-save --ignore-scripts \\
    @fontsource/dela-gothic-one@5.3.0 @fontsource/dotgothic16@5.3.0 \\
    @fontsource/hachi-maru-pop@5.3.0 @fontsource/ibm-plex-sans-jp@5.3.0 \\
    @fontsource/kaisei-decol@5.3.0 @fontsource/kaisei-opti@5.2.8 \\
    @fontsource/kaisei-tokumin@5.3.0 @fontsource/kiwi-maru@5.3.0 @fontsource/klee-one@5.3.0 \\
    @fontsource/m-plus-rounded-1c@5.3.0 @fontsource/mochiy-pop-one@5.3.0 \\
    @fontsource/noto-sans-jp@5.3.0 @fontsource/noto-serif-jp@5.3.0 @fontsource/potta-one@5.3.0 \\
    @fontsource/shippori-mincho@5.3.0 @fontsource/yomogi@5.3.0 @fontsource/yusei-magic@5.3.0 \\
    @fontsource/zen-kaku-gothic-antique@5.3.0 @fontsource/zen-kaku-gothic-new@5.3.0 \\
    @fontsource/zen-kurenaido@5.3.0 @fontsource/zen-maru-gothic@5.3.0 \\
    @fontsource/zen-old-mincho@5.3.0

With these versions and Pillow 13.0.0 the file comes out bit for bit; another FreeType may move a
pixel by one grey, which the check at the end then reports. Without root: `apt-get download` the
same names, `dpkg-deb -x FILE.deb root` each, and add `--fonts root/usr/share/fonts`.

Licences were read in the packages themselves: /usr/share/doc/PACKAGE/copyright and npm's LICENSE.
Left out, though they draw well: fonts whose licence is not plainly permissive or not stated in the
package (IPA, Sawarabi, Ume, VL, Arphic, Unifont, UnFonts, BabelStone, Baekmuk, Komatuna, Oradano,
New Tegomin); fonts that repeat another one's kana (LXGW WenKai: Klee; D2Coding, BM Yeonsung: Nanum;
Pretendard: M PLUS; Aoyagi Kouzan T, Kouzan Sousho: Kouzan Mouhitsu) or nearly do (LINE Seed: IBM
Plex; BM Euljiro: Noto Sans); outlines and 8-dot bitmaps, hard to read this small (Rampart, Train,
Misaki).
"""

from __future__ import annotations

import argparse
import hashlib
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.data import Aiueo, aiueo

try:
    from PIL import Image, ImageDraw, ImageFont
except ImportError:  # --quick does without
    Image = None  # type: ignore[assignment]

SIDE, BOX = 28, 22  # the image, and the square that the ink is made to fill
EM = 400  # drawn this large first, in pixels: hinting has no say, and 22 pixels average the rest
STEP = 17  # grey levels 0, 17 ... 255: 16 of them
PERMISSIVE = {"Apache-2.0", "BSD-3-Clause", "MIT", "OFL-1.1", "public-domain"}
# Of the pixels, in order:
SHA256 = "7d90e7aee593956442652d78caf33061e7adfdc2727b376d3b6e9fe1b760d2e8"

# (family, licence, source package, {design: file}). A family is what must not be split between
# train and test: all weights and cuts of one typeface, and faces that share a drawing hand
# (Zen Kaku and Zen Maru, Motoya Cedar and Maruberi, the Kaisei and the YOzFont variants).
# fmt: off
PACKAGES = [
    ("Aoyagi Soseki", "public-domain", "debian:fonts-aoyagi-soseki", {
        "Aoyagi Soseki": "truetype/aoyagi-soseki/aoyagi-soseki.ttf",
    }),
    ("BIZ UDGothic", "OFL-1.1", "debian:fonts-morisawa-bizud-gothic", {
        "BIZ UDGothic Regular": "truetype/bizud-gothic/BIZUDGothic-Regular.ttf",
        "BIZ UDGothic Bold": "truetype/bizud-gothic/BIZUDGothic-Bold.ttf",
    }),
    ("BIZ UDMincho", "OFL-1.1", "debian:fonts-morisawa-bizud-mincho", {
        "BIZ UDMincho Regular": "truetype/bizud-mincho/BIZUDMincho-Regular.ttf",
    }),
    ("Cherry Bomb", "OFL-1.1", "debian:fonts-cherrybomb", {
        "Cherry Bomb Regular": "opentype/cherrybomb/CherryBomb-Regular.otf",
    }),
    # Copyright 2007-2010 Yoshiki Hayashi
    ("Dejima Mincho", "MIT", "debian:fonts-dejima-mincho", {
        "Dejima Mincho": "truetype/dejima-mincho/dejima-mincho-r227.ttf",
    }),
    ("Dela Gothic One", "OFL-1.1", "npm:@fontsource/dela-gothic-one", {
        "Dela Gothic One": "dela-gothic-one-119-400-normal.woff2",
    }),
    ("DotGothic16", "OFL-1.1", "npm:@fontsource/dotgothic16", {
        "DotGothic16": "dotgothic16-119-400-normal.woff2",
    }),
    ("Hachi Maru Pop", "OFL-1.1", "npm:@fontsource/hachi-maru-pop", {
        "Hachi Maru Pop": "hachi-maru-pop-119-400-normal.woff2",
    }),
    ("Hanazono Mincho", "OFL-1.1", "debian:fonts-hanazono", {
        "Hanazono Mincho A": "truetype/hanazono/HanaMinA.ttf",
    }),
    ("IBM Plex Sans JP", "OFL-1.1", "npm:@fontsource/ibm-plex-sans-jp", {
        "IBM Plex Sans JP Light": "ibm-plex-sans-jp-119-300-normal.woff2",
        "IBM Plex Sans JP Bold": "ibm-plex-sans-jp-119-700-normal.woff2",
    }),
    ("Kaisei", "OFL-1.1", "npm:@fontsource/kaisei-decol", {
        "Kaisei Decol Regular": "kaisei-decol-119-400-normal.woff2",
    }),
    ("Kaisei", "OFL-1.1", "npm:@fontsource/kaisei-opti", {
        "Kaisei Opti Bold": "kaisei-opti-119-700-normal.woff2",
    }),
    ("Kaisei", "OFL-1.1", "npm:@fontsource/kaisei-tokumin", {
        "Kaisei Tokumin Regular": "kaisei-tokumin-119-400-normal.woff2",
        "Kaisei Tokumin ExtraBold": "kaisei-tokumin-119-800-normal.woff2",
    }),
    # Copyright 2007 kilo (きろのの)
    ("Kiloji", "BSD-3-Clause", "debian:fonts-kiloji", {
        "Kiloji": "truetype/kiloji/kiloji.ttf",
        "Kiloji B": "truetype/kiloji/kiloji_b.ttf",
        "Kiloji D": "truetype/kiloji/kiloji_d.ttf",
    }),
    ("Kiwi Maru", "OFL-1.1", "npm:@fontsource/kiwi-maru", {
        "Kiwi Maru Light": "kiwi-maru-119-300-normal.woff2",
        "Kiwi Maru Medium": "kiwi-maru-119-500-normal.woff2",
    }),
    ("Klee One", "OFL-1.1", "npm:@fontsource/klee-one", {
        "Klee One Regular": "klee-one-119-400-normal.woff2",
        "Klee One SemiBold": "klee-one-119-600-normal.woff2",
    }),
    # Copyright 2007-2012 Mitiya Masuda
    ("Konatu", "MIT", "debian:fonts-konatu", {
        "Konatu": "truetype/konatu/Konatu.ttf",
    }),
    ("Kouzan Mouhitsu", "public-domain", "debian:fonts-kouzan-mouhitsu", {
        "Kouzan Mouhitsu": "truetype/kouzan-mouhitsu/kouzan-mouhitsu.ttf",
        "Kouzan Mouhitsu Gyosho": "truetype/kouzan-mouhitsu/kouzan-mouhitsu-gyosho.ttf",
    }),
    ("M PLUS", "OFL-1.1", "debian:fonts-mplus", {
        "M PLUS 1 Light": "opentype/mplus/Mplus1-Light.otf",
        "M PLUS 1 Bold": "opentype/mplus/Mplus1-Bold.otf",
        "M PLUS 2 Regular": "opentype/mplus/Mplus2-Regular.otf",
        "M PLUS 2 Black": "opentype/mplus/Mplus2-Black.otf",
    }),
    ("M PLUS", "OFL-1.1", "npm:@fontsource/m-plus-rounded-1c", {
        "M PLUS Rounded 1c Medium": "m-plus-rounded-1c-119-500-normal.woff2",
    }),
    ("Mochiy Pop One", "OFL-1.1", "npm:@fontsource/mochiy-pop-one", {
        "Mochiy Pop One": "mochiy-pop-one-119-400-normal.woff2",
    }),
    # Copyright 2010-2012 Motoya Co., Ltd.
    ("Motoya L", "Apache-2.0", "debian:fonts-motoya-l-cedar", {
        "Motoya L Cedar": "truetype/motoya-l-cedar/MTLc3m.ttf",
    }),
    # Copyright 2010-2012 Motoya Co., Ltd.
    ("Motoya L", "Apache-2.0", "debian:fonts-motoya-l-maruberi", {
        "Motoya L Maruberi": "truetype/motoya-l-maruberi/MTLmr3m.ttf",
    }),
    ("Nanum", "OFL-1.1", "debian:fonts-nanum", {
        "Nanum Gothic": "truetype/nanum/NanumGothic.ttf",
        "Nanum Myeongjo Bold": "truetype/nanum/NanumMyeongjoBold.ttf",
        "Nanum Square Bold": "truetype/nanum/NanumSquareB.ttf",
    }),
    ("Noto Sans JP", "OFL-1.1", "npm:@fontsource/noto-sans-jp", {
        "Noto Sans JP Light": "noto-sans-jp-119-300-normal.woff2",
        "Noto Sans JP Medium": "noto-sans-jp-119-500-normal.woff2",
        "Noto Sans JP Black": "noto-sans-jp-119-900-normal.woff2",
    }),
    ("Noto Serif JP", "OFL-1.1", "npm:@fontsource/noto-serif-jp", {
        "Noto Serif JP Light": "noto-serif-jp-119-300-normal.woff2",
        "Noto Serif JP Medium": "noto-serif-jp-119-500-normal.woff2",
        "Noto Serif JP Black": "noto-serif-jp-119-900-normal.woff2",
    }),
    ("Potta One", "OFL-1.1", "npm:@fontsource/potta-one", {
        "Potta One": "potta-one-119-400-normal.woff2",
    }),
    ("Reggae One", "OFL-1.1", "debian:fonts-reggae", {
        "Reggae One": "truetype/reggae/ReggaeOne-Regular.ttf",
    }),
    ("RocknRoll One", "OFL-1.1", "debian:fonts-rocknroll", {
        "RocknRoll One": "truetype/rocknroll/RocknRollOne-Regular.ttf",
    }),
    ("Setofont", "OFL-1.1", "debian:fonts-seto", {
        "Setofont": "truetype/seto/setofont.ttf",
    }),
    ("Shippori Mincho", "OFL-1.1", "npm:@fontsource/shippori-mincho", {
        "Shippori Mincho Regular": "shippori-mincho-119-400-normal.woff2",
        "Shippori Mincho ExtraBold": "shippori-mincho-119-800-normal.woff2",
    }),
    ("Smiley Sans", "OFL-1.1", "debian:fonts-smiley-sans", {
        "Smiley Sans Oblique": "truetype/smiley-sans/SmileySans-Oblique.ttf",
    }),
    ("Stick", "OFL-1.1", "debian:fonts-stick", {
        "Stick": "truetype/stick/Stick-Regular.ttf",
    }),
    ("Yomogi", "OFL-1.1", "npm:@fontsource/yomogi", {
        "Yomogi": "yomogi-119-400-normal.woff2",
    }),
    ("YOzFont", "OFL-1.1", "debian:fonts-yozvox-yozfont-antique", {
        "YOzFont Antique": "truetype/yozvox-yozfont/YOzRA_.ttf",
    }),
    ("YOzFont", "OFL-1.1", "debian:fonts-yozvox-yozfont-cute", {
        "YOzFont Cute Bold": "truetype/yozvox-yozfont/YOzBC_.ttf",
    }),
    ("YOzFont", "OFL-1.1", "debian:fonts-yozvox-yozfont-new-kana", {
        "YOzFont New Kana": "truetype/yozvox-yozfont/YOzRN_.ttf",
    }),
    ("YOzFont", "OFL-1.1", "debian:fonts-yozvox-yozfont-standard-kana", {
        "YOzFont Standard Kana Bold": "truetype/yozvox-yozfont/YOzBS_.ttf",
    }),
    ("Yusei Magic", "OFL-1.1", "npm:@fontsource/yusei-magic", {
        "Yusei Magic": "yusei-magic-119-400-normal.woff2",
    }),
    ("Zen Gothic", "OFL-1.1", "npm:@fontsource/zen-kaku-gothic-antique", {
        "Zen Kaku Gothic Antique Regular": "zen-kaku-gothic-antique-119-400-normal.woff2",
    }),
    ("Zen Gothic", "OFL-1.1", "npm:@fontsource/zen-kaku-gothic-new", {
        "Zen Kaku Gothic New Bold": "zen-kaku-gothic-new-119-700-normal.woff2",
    }),
    ("Zen Gothic", "OFL-1.1", "npm:@fontsource/zen-maru-gothic", {
        "Zen Maru Gothic Light": "zen-maru-gothic-119-300-normal.woff2",
        "Zen Maru Gothic Black": "zen-maru-gothic-119-900-normal.woff2",
    }),
    ("Zen Kurenaido", "OFL-1.1", "npm:@fontsource/zen-kurenaido", {
        "Zen Kurenaido": "zen-kurenaido-119-400-normal.woff2",
    }),
    ("Zen Old Mincho", "OFL-1.1", "npm:@fontsource/zen-old-mincho", {
        "Zen Old Mincho Regular": "zen-old-mincho-119-400-normal.woff2",
        "Zen Old Mincho Black": "zen-old-mincho-119-900-normal.woff2",
    }),
]
# fmt: on


def glyph(font: ImageFont.FreeTypeFont, kana: str) -> NDArray[np.uint8]:
    """Draw one kana: its ink box scaled to fill 22 pixels one way, centred in 28 x 28.

    Each kana is scaled by its own ink box, as MNIST does with digits: a font's em square and
    baseline then tell nothing, and only the shape is left. The box filter gives every pixel the
    share of it that is ink: exact antialiasing, free of the ringing of sharper filters. Rounding to
    16 greys is not seen (at most 8 of 255), and takes the file from 72 KB to 46 KB.
    """
    page = Image.new("L", (3 * EM, 3 * EM))
    ImageDraw.Draw(page).text((1.5 * EM, 1.5 * EM), kana, font=font, fill=255, anchor="mm")
    box = page.getbbox()
    if box is None or min(box) == 0 or max(box) == 3 * EM:
        raise SystemExit(f"{font.getname()} draws {kana} blank or off the page (ink box {box}).")
    ink = page.crop(box)
    width, height = (max(1, round(BOX * d / max(ink.size))) for d in ink.size)
    out = Image.new("L", (SIDE, SIDE))
    ink = ink.resize((width, height), Image.Resampling.BOX)
    out.paste(ink, ((SIDE - width) // 2, (SIDE - height) // 2))
    return np.rint(np.asarray(out) / STEP).astype(np.uint8) * np.uint8(STEP)


def draw(fonts: Path, npm: Path) -> NDArray[np.uint8]:
    """Draw the whole table: (5 * designs, 28, 28), design by design."""
    images = []
    for _, _, source, designs in PACKAGES:
        registry, package = source.split(":")
        folder = fonts if registry == "debian" else npm / package / "files"
        for file in designs.values():
            if not (folder / file).is_file():
                raise SystemExit(f"{folder / file} is missing; install {package} as said above.")
            font = ImageFont.truetype(folder / file, EM, layout_engine=ImageFont.Layout.BASIC)
            images += [glyph(font, kana) for kana in Aiueo.kana]
    return np.stack(images)


def columns() -> dict[str, NDArray[np.str_]]:
    """Return what the archive says of each design, one array per column."""
    rows = [
        (family, design, licence, source)
        for family, licence, source, designs in PACKAGES
        for design in designs
    ]
    families, designs, licences, sources = (np.array(column) for column in zip(*rows, strict=True))
    return {"families": families, "designs": designs, "licences": licences, "sources": sources}


def save(images: NDArray[np.uint8], path: Path) -> None:
    """Write the archive: same pixels, same bytes (NumPy dates every member 1980-01-01)."""
    table = columns()
    np.savez_compressed(
        path,
        images=images,
        families=table["families"],
        designs=table["designs"],
        licences=table["licences"],
        sources=table["sources"],
    )


def sheet(data: Aiueo, path: Path, across: int = 4, zoom: int = 2) -> None:
    """Write a PNG with the five kana of every design under its name."""
    down = -(-len(data) // 5 // across)
    wide, high = 5 * SIDE * zoom + 20, SIDE * zoom + 18
    page = Image.new("L", (across * wide, down * high), 60)
    for k, row in enumerate(data.images.reshape(-1, 5, SIDE, SIDE)):
        x, y = k // down * wide, k % down * high
        ImageDraw.Draw(page).text((x + 2, y + 1), data.designs[5 * k], fill=255)
        strip = Image.fromarray(np.concatenate(list(row), axis=1))
        strip = strip.resize((5 * SIDE * zoom, SIDE * zoom), Image.Resampling.NEAREST)
        page.paste(strip, (x, y + 16))
    page.save(path)


def check(data: Aiueo) -> None:
    """Hold the shipped archive against the table above: shapes, names, licences, pixels."""
    table = columns()
    designs = len(table["designs"])
    found = {name: getattr(data, name)[::5].tolist() for name in table}
    problems = [f"{name} differ" for name in table if found[name] != table[name].tolist()]
    if data.images.shape != (5 * designs, SIDE, SIDE) or data.images.dtype != np.uint8:
        problems.append(f"images are {data.images.dtype} {data.images.shape}")
    if not set(data.licences.tolist()) <= PERMISSIVE:
        problems.append("a licence is not on the permissive list")
    digest = hashlib.sha256(data.images.tobytes()).hexdigest()
    if digest != SHA256:
        problems.append(f"the pixels have SHA-256 {digest}")
    if problems:
        raise SystemExit("aiueo.npz is not what this script makes: " + "; ".join(problems) + ".")


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the aiueo data set from fonts, or check it.")
    parser.add_argument("--quick", action="store_true", help="only check and list what is shipped")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="write a PNG of all glyphs")
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"), metavar="DIR")
    parser.add_argument("--npm", type=Path, default=Path("node_modules"), metavar="DIR")
    options = parser.parse_args()

    if Image is None and (options.sheet or not options.quick):
        raise SystemExit('Pillow is missing, which draws: pip install "tinygrad_ce[fonts]"')
    if not options.quick:
        path = Path(str(files("tinygrad_ce.data") / "aiueo.npz"))
        save(draw(options.fonts, options.npm), path)
        print(f"wrote {path}, {path.stat().st_size:,} bytes")
    data = aiueo()
    if options.sheet:
        sheet(data, options.sheet)
    for name, licence, source, designs in PACKAGES:
        print(f"{name:17}{licence:15}{source:42}{len(designs)}")
    print(data)
    check(data)
    print("all as the table says, every licence permissive, pixels", SHA256[:12])


if __name__ == "__main__":
    main()
