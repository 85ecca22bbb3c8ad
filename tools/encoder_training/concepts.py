"""What may be said of a tile, in many words, and how true each statement is of the measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder_training.tiles import MEASURES

Truth = NDArray[np.float32]
Measured = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Concept:
    """One statement: how true it is (0 to 1 for each tile), the phrases that make it, how often it is made."""

    name: str
    truth: Callable[[Measured], Truth]
    phrases: tuple[str, ...]
    weight: float = 1.0
    deniable: bool = True


def ramp(values: Truth, low: float, high: float) -> Truth:
    """0 below `low`, 1 above `high`, straight between."""
    return np.clip((values - low) / (high - low), 0, 1).astype(np.float32)


def tumour(m: Measured) -> Truth:
    return ramp(m["malignant"] + 0.7 * m["necrosis"], 0.04, 0.22)


def gland(m: Measured) -> Truth:
    return ramp(m["benign"], 0.05, 0.20) * (1 - tumour(m))


def blank(m: Measured) -> Truth:
    return ramp(m["glass"], 0.75, 0.95)


def fatty(m: Measured) -> Truth:
    return ramp(m["fat"], 0.25, 0.55)


def enough_nuclei(m: Measured) -> Truth:
    return ramp(m["epithelial_nuclei"], 8, 16)


def large_nuclei(m: Measured) -> Truth:
    return ramp(m["nuclear_area_um2"], 55, 75) * enough_nuclei(m)


def uneven(m: Measured) -> Truth:
    return ramp(m["area_variation"], 0.22, 0.36) * enough_nuclei(m)


def even(m: Measured) -> Truth:
    return (1 - ramp(m["area_variation"], 0.15, 0.26)) * enough_nuclei(m)


def not_malignant(m: Measured) -> Truth:
    """Benign as a whole: tissue without tumour, surest where benign glands show it."""
    return (1 - tumour(m)) * (1 - blank(m)) * (0.6 + 0.4 * ramp(m["benign"], 0.05, 0.20)).astype(np.float32)


def phrases(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("\n", " ").split(";") if part.strip())


GENERAL: tuple[Concept, ...] = (
    Concept("blank", blank, phrases("""plain white background; an empty white area; blank white space; nothing; a blank
        image; a bright empty field; white emptiness; empty glass; background; a uniform white surface; blank""")),
    Concept("margin", lambda m: ramp(m["glass"], 0.08, 0.25) * (1 - ramp(m["glass"], 0.75, 0.95)), phrases("""a white
        margin; an edge against white; half white and half coloured; a border with empty space""")),
    Concept("bubbles", fatty, phrases("""large white round holes; big empty bubbles; white bubbles with thin pink walls; a
        net of thin pink lines; foam; a honeycomb; large round empty cells; a thin pink mesh; large white circles; big
        white spaces separated by thin lines; bubbles""")),
    Concept("pink", lambda m: ramp(m["eosin"], 0.22, 0.36) * (1 - ramp(m["hematoxylin"], 0.22, 0.42))
        * (1 - ramp(m["white"], 0.35, 0.6)), phrases("""pink; a mostly pink area; pink texture; a pink surface; light red
        material; rose coloured texture; a pink background""")),
    Concept("fibres", lambda m: ramp(m["stroma"], 0.35, 0.65), phrases("""pink wavy fibres; wavy pink lines; pink stripes;
        fibrous pink bands; parallel pink strands; curly pink threads; streaks of pink; wavy bands; a striped pink
        texture; pink fibers; flowing lines; fibrous texture; long wavy strands""")),
    Concept("purple", lambda m: ramp(m["hematoxylin"], 0.30, 0.5), phrases("""purple; a mostly purple area; dark purple
        texture; deep blue and violet; violet colour; blue purple; a purple surface; dark violet; bluish""")),
    Concept("pale", lambda m: 1 - ramp(m["hematoxylin"] + m["eosin"], 0.22, 0.42), phrases("""pale; light; faint colours; a
        bright pale image; mostly white; very light texture""")),
    Concept("dark", lambda m: ramp(m["hematoxylin"], 0.40, 0.6), phrases("""dark; a dark image; dark colours; deep dark
        texture; intensely coloured""")),
    Concept("many dots", lambda m: ramp(m["nuclei"], 42, 72), phrases("""many dots; lots of purple spots; numerous dark
        dots; many round blue dots; a great many dots; plenty of dark spots; high density of dots; many cells; many
        purple dots""")),
    Concept("few dots", lambda m: ramp(m["nuclei"], 0.5, 2) * (1 - ramp(m["nuclei"], 18, 30)), phrases("""few dots; a few
        scattered dots; sparse spots; only a handful of dots; low density of dots; few cells; isolated dots""")),
    Concept("no dots", lambda m: 1 - ramp(m["nuclei"], 1, 6), phrases("""no dots; no spots; no cells; a surface free of
        dots; nothing purple"""), deniable=False),
    Concept("large dots", large_nuclei, phrases("""large dark purple dots; big purple blobs; large irregular blobs; big round
        spots; large dark blobs; big dots; large spots; big dark cells; large purple shapes; many large dark dots""")),
    Concept("small dots", lambda m: ramp(m["nuclei"], 15, 30) * (1 - large_nuclei(m)), phrases("""small dots; many small dark
        purple dots; small purple spots; little dots; small round dots; tiny purple dots; small cells; fine dots""")),
    Concept("uneven dots", uneven, phrases("""dots of very different sizes; uneven blobs; irregular shapes of varied size; a
        mix of large and small dots; unequal spots; irregular dots; spots varying in size and shape; misshapen blobs""")),
    Concept("even dots", even, phrases("""dots of the same size; regular even dots; uniform round spots; neatly arranged
        dots; similar small round dots; regular spots; equal dots in a row; orderly dots""")),
    Concept("rings", lambda m: gland(m) * ramp(m["lumen"], 0.03, 0.1), phrases("""round rings of dots around a white hole;
        circles with a white centre; neat rings; dots arranged in a circle; purple rings; round rings; rings with a hollow
        centre; small circles lined by dots; smooth round circles; donut shapes; ordered rings on pink""")),
    Concept("clumps", tumour, phrases("""irregular purple clumps; messy masses of dark blobs; a disordered crowd of large
        blobs; chaotic dark purple patches; irregular dark masses; ragged purple islands; a jumble of large dark dots;
        disorganised clusters of dark blobs; untidy purple sheets; irregular clusters""")),
    Concept("solid", lambda m: ramp(m["malignant"], 0.5, 0.75) * (1 - ramp(m["lumen"], 0.06, 0.16)), phrases("""a solid purple
        mass; a solid sheet of blobs; filled with dark blobs everywhere; a dense purple field""")),
    Concept("tiny round dots", lambda m: ramp(m["lymphocytes"], 8, 20), phrases("""tiny very dark round dots; a cluster of
        small black dots; many tiny black round spots; a swarm of tiny dark dots; dense little dark circles""")),
    Concept("thin dots", lambda m: ramp(m["spindles"], 4, 9), phrases("""thin elongated dots; slender dark streaks among
        pink lines; spindle shapes; thin dark slivers; narrow elongated spots""")),
    Concept("grainy", lambda m: ramp(m["necrosis"], 0.10, 0.3), phrases("""a grainy pink area with dark specks; speckled pink
        debris; granular pink material; smudged pink dust""")),
    Concept("gaps", lambda m: ramp(m["lumen"], 0.06, 0.15), phrases("""small white holes; white gaps; round white openings;
        white holes between purple; hollow spaces""")),
    Concept("crowded", lambda m: ramp(m["nuclei"], 55, 85), phrases("""crowded dots; densely packed dots; overlapping dots;
        tightly packed spots; dense crowd of cells; crowded""")),
    # everyday medical words, as rare as they are in captions from the web
    Concept("web tumour", tumour, phrases("""cancer; a tumor; cancer cells; malignant tissue"""), weight=0.35),
    Concept("web normal", not_malignant, phrases("""normal tissue; healthy tissue; benign tissue"""), weight=0.35),
    Concept("web fat", fatty, phrases("""fat; fatty tissue"""), weight=0.25),
)  # fmt: skip

PATHOLOGY: tuple[Concept, ...] = (
    Concept("malignant", tumour, phrases("""malignant tissue; malignant; cancer; carcinoma; invasive carcinoma; invasive
        ductal carcinoma; invasive lobular carcinoma; adenocarcinoma; malignant tumor; malignant tumour; tumor cells;
        tumour; neoplastic epithelium; malignant epithelial cells; malignant breast tissue; breast cancer; breast
        carcinoma; infiltrating carcinoma; infiltrating ductal carcinoma; ductal carcinoma; lobular carcinoma; mucinous
        carcinoma; papillary carcinoma; medullary carcinoma; tubular carcinoma; metaplastic carcinoma; high grade
        carcinoma; poorly differentiated carcinoma; carcinoma of no special type; ductal carcinoma in situ; cancerous
        tissue; cancer cells; malignancy; tumor; neoplasm; malignant neoplasm; malignant glands; malignant cells; tumor
        epithelium; tumor tissue; metastatic carcinoma; metastasis; colorectal adenocarcinoma epithelium; squamous cell
        carcinoma; carcinoma cells; invasive tumor; invasive cancer; IDC; NST"""), weight=4.0),
    Concept("benign", not_malignant, phrases("""benign tissue; benign; benign breast tissue; non-malignant tissue;
        non-malignant benign tissue; noncancerous tissue; non-cancerous tissue; normal breast tissue; normal tissue; healthy
        tissue; unremarkable tissue; nonneoplastic tissue; benign lesion; benign tumor; benign changes; normal; healthy;
        non-neoplastic tissue; benign breast lesion; IDC negative tissue; no special finding; normal histology"""), weight=2.5),
    Concept("benign glands", gland, phrases("""benign glands; benign epithelium; adenosis; fibroadenoma; benign ducts and
        lobules; terminal duct lobular unit; normal ducts; normal lobules; normal mammary glands; benign acini; sclerosing
        adenosis; tubular adenoma; phyllodes tumor; benign lobule; mammary duct; normal breast lobule; small round glands;
        fibrocystic change; benign ductal epithelium; lobules with acini; apocrine metaplasia; normal epithelium; normal
        glandular epithelium; benign proliferation; benign mammary epithelium; intraductal papilloma; columnar cell change;
        normal terminal duct lobular units; ducts lined by two cell layers; normal mucosa; glandular tissue"""), weight=3.0),
    Concept("hyperplasia", lambda m: gland(m) * ramp(m["layers"], 1.5, 2.5), phrases("""usual ductal hyperplasia; epithelial
        hyperplasia; florid hyperplasia; benign hyperplasia; proliferative change""")),
    Concept("atypia", lambda m: tumour(m) * large_nuclei(m), phrases("""nuclear atypia; marked atypia; cytologic atypia;
        atypia; pleomorphic nuclei; nuclear pleomorphism; hyperchromatic nuclei; enlarged nuclei; high nuclear grade;
        irregular nuclear membranes; high nuclear to cytoplasmic ratio; anisonucleosis; large pleomorphic nuclei; pleomorphic
        hyperchromatic crowded nuclei; nuclear hyperchromasia; atypical cells; atypical nuclei; bizarre nuclei; coarse
        chromatin; enlarged hyperchromatic nuclei; marked pleomorphism; prominent nucleoli; large nuclei with prominent
        nucleoli; vesicular nuclei; irregular nuclei; crowded atypical nuclei; overlapping nuclei"""), weight=2.5),
    Concept("mitoses", lambda m: ramp(m["mitoses"], 0.4, 1.6), phrases("""mitotic figures; mitoses; brisk mitotic activity;
        frequent mitoses; dividing cells; mitotic activity; atypical mitoses""")),
    Concept("bland", lambda m: gland(m) * even(m), phrases("""small uniform nuclei; bland nuclei; round regular nuclei; small
        round nuclei; uniform small nuclei; evenly spaced nuclei; monomorphic nuclei; bland cytology; regular nuclei; nuclei
        of even size; normochromatic nuclei; bland epithelial cells; smooth nuclear contours"""), weight=2.0),
    Concept("order", lambda m: gland(m) * (0.5 + 0.5 * ramp(m["lumen"], 0.03, 0.1)), phrases("""preserved glandular architecture;
        two-layered epithelium; an intact myoepithelial layer; open lumens; well formed round glands; lobular architecture;
        round ducts with open lumina; preserved lobular architecture; glands with a myoepithelial layer; orderly glands;
        well-circumscribed glands; acini lined by cuboidal cells; regular glands; intact basement membrane"""), weight=2.0),
    Concept("disorder", tumour, phrases("""loss of glandular architecture; infiltrating nests; irregular nests of cells; cords
        and sheets of cells; solid nests of tumor cells; invasive growth; loss of the myoepithelial layer; infiltrating
        cords; irregular infiltrating glands; cribriform growth; disorganized architecture; disorganised growth; sheets of
        atypical cells; infiltrating borders; solid sheets of pleomorphic cells; stromal invasion; angulated glands; nests
        of malignant cells infiltrating the stroma; haphazard growth; single cell files"""), weight=2.5),
    Concept("crowding", lambda m: ramp(m["epithelial_nuclei"], 38, 65), phrases("""crowded nuclei; high cellularity; densely
        cellular tissue; hypercellular; nuclear crowding; cellular area""")),
    Concept("stroma", lambda m: ramp(m["stroma"], 0.40, 0.7), phrases("""stroma; fibrous stroma; collagen; collagenous stroma;
        connective tissue; fibrous tissue; fibrous connective tissue; dense collagen; stromal tissue; wavy collagen
        fibres; fibroblasts and collagen; breast stroma; hyalinized stroma; eosinophilic collagen bundles; smooth muscle;
        spindle cells; fibrosis; fibrosclerotic tissue; interlobular stroma; dermis; collagen fibers"""), weight=2.0),
    Concept("desmoplasia", lambda m: ramp(m["tumour_zone"], 0.3, 0.8) * ramp(m["stroma"], 0.12, 0.3) * ramp(m["malignant"], 0.02, 0.1),
        phrases("""desmoplastic stroma; desmoplasia; cancer-associated stroma; reactive stroma; desmoplastic reaction; tumor
        stroma; tumor associated stroma; cancer associated stroma""")),
    Concept("fat", fatty, phrases("""adipose tissue; fat; fatty tissue; adipocytes; mature adipose tissue; fat cells; empty
        adipocytes; white adipose tissue; fatty breast tissue; lipocytes; adipose; lobules of fat"""), weight=2.0),
    Concept("glass", blank, phrases("""blank glass; glass; empty slide; background; slide background; empty background; no
        tissue; white background; glass without tissue; empty glass slide; bare glass; blank slide; empty area; background
        without tissue; an empty part of the slide"""), weight=2.0, deniable=False),
    Concept("lymphocytes", lambda m: ramp(m["lymphocytes"], 8, 20), phrases("""lymphocytes; lymphocytic infiltrate; lymphoid
        aggregate; chronic inflammation; inflammatory cells; tumor infiltrating lymphocytes; inflammation; immune cells;
        lymphoid cells; inflammatory infiltrate; dense lymphoid infiltrate; small dark lymphocytes""")),
    Concept("necrosis", lambda m: ramp(m["necrosis"], 0.10, 0.3), phrases("""necrosis; necrotic debris; comedonecrosis; tumor
        necrosis; dead tissue; cellular debris; necrotic tissue; debris; granular necrotic material""")),
    Concept("lumen", lambda m: ramp(m["lumen"], 0.06, 0.15), phrases("""open lumen; glandular lumina; luminal spaces; lumens;
        gland formation; tubule formation""")),
)  # fmt: skip


def truths(concepts: tuple[Concept, ...], measures: NDArray[np.float32]) -> Truth:
    """How true each concept is of each tile.

    Parameters
    ----------
    concepts
        Statements.
    measures
        float32 (n, len(MEASURES)).

    Returns
    -------
    float32 (n, len(concepts))
        0 to 1.
    """
    columns = {name: measures[:, i] for i, name in enumerate(MEASURES)}
    return np.stack([c.truth(columns) for c in concepts], axis=1).astype(np.float32)
