"""Templates: named sets, the organ, and the texts that synonyms and templates come to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from napari_histoalign.alignment import PromptClass, PromptSet
from napari_histoalign.alignment.templates import fill, template_sets
from napari_histoalign.errors import PromptError

TWO = (
    PromptClass("tumour", ("carcinoma", "malignant cells"), "#d55e00", "lesion"),
    PromptClass("other", ("benign tissue",), "#009e73"),
)
PLAIN = PromptSet("mine", TWO)

MI_ZERO = """CLASSNAME. | a photomicrograph showing CLASSNAME. | a photomicrograph of CLASSNAME. |
an image of CLASSNAME. | an image showing CLASSNAME. | an example of CLASSNAME. | CLASSNAME is shown. |
this is CLASSNAME. | there is CLASSNAME. | a histopathological image showing CLASSNAME. |
a histopathological image of CLASSNAME. | a histopathological photograph of CLASSNAME. |
a histopathological photograph showing CLASSNAME. | shows CLASSNAME. | presence of CLASSNAME. |
CLASSNAME is present."""
"""As in the published code of MI-Zero."""
CONCH_MORE = """an H&E stained image of CLASSNAME. | an H&E stained image showing CLASSNAME. |
an H&E image showing CLASSNAME. | an H&E image of CLASSNAME. | CLASSNAME, H&E stain. | CLASSNAME, H&E."""
"""As CONCH's published prompts add."""


def published(text: str) -> tuple[str, ...]:
    return tuple(t.strip().replace("CLASSNAME", "{}") for t in text.replace("\n", " ").split("|"))


def test_the_published_templates_are_the_published_ones() -> None:
    sets = template_sets()

    assert sets["conch"].sentences == (*published(MI_ZERO), *published(CONCH_MORE))
    assert len(sets["conch"].sentences) == 22
    assert sets["plip"].sentences == ("An H&E image patch of {}.",)


def test_every_template_set_says_where_it_comes_from_and_can_be_used() -> None:
    for name, found in template_sets().items():
        used = PLAIN.with_context(templates=[name], organ="breast")
        assert found.name == name and found.title and found.source
        assert used.sentences == tuple(s.replace("{organ}", "breast") for s in found.sentences)
    assert [name for name, found in template_sets().items() if found.names_organ] == ["organ"]


def test_synonyms_times_templates_is_what_is_used() -> None:
    """Every synonym in every sentence: listed in full, sentence by sentence within a class."""
    used = PLAIN.with_context(templates=["plip", "{} of the {organ}"], organ="breast").expand()

    assert used.texts == (
        "An H&E image patch of carcinoma.",
        "An H&E image patch of malignant cells.",
        "carcinoma of the breast",
        "malignant cells of the breast",
        "An H&E image patch of benign tissue.",
        "benign tissue of the breast",
    )
    assert used.class_index.tolist() == [0, 0, 0, 0, 1, 1]
    conch = PLAIN.with_context(templates="conch").expand()
    assert len(conch.texts) == len(set(conch.texts)) == 22 * 3
    assert conch.class_index.tolist() == [0] * 44 + [1] * 22


def test_a_sentence_that_two_templates_share_counts_once() -> None:
    used = PLAIN.with_context(templates=["an image of {}.", "conch", "conch"])

    assert len(used.sentences) == 22
    assert used.sentences[0] == "an image of {}."
    assert len(used.expand().texts) == 22 * 3


def test_a_set_with_context_comes_back_from_its_file_with_the_names(tmp_path: Path) -> None:
    used = PLAIN.with_context(templates=["conch", "a smear of the {organ}: {}"], organ="lymph  node")
    used.save(tmp_path / "mine.yaml")

    assert used.organ == "lymph node"
    assert used.to_dict()["templates"] == ["conch", "a smear of the {organ}: {}"]
    assert PromptSet.load(tmp_path / "mine.yaml") == used
    assert PromptSet.from_dict(used.to_dict()) == used
    assert "22" not in (tmp_path / "mine.yaml").read_text()


def test_what_a_set_does_not_have_does_not_enter_its_plain_values() -> None:
    """Identities of runs are made from them, and must be the same as before there were organs."""
    assert PLAIN.to_dict() == {
        "name": "mine",
        "classes": [
            {"name": "tumour", "role": "lesion", "color": "#d55e00", "prompts": list(TWO[0].prompts)},
            {"name": "other", "role": "tissue", "color": "#009e73", "prompts": ["benign tissue"]},
        ],
    }


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("bach", "d9239771bf9663d7"),
        ("breakhis-subtypes", "fea481405e34f559"),
        ("breast", "75f3d4d13eeb30aa"),
        ("breast-binary", "d1e688126fc9987b"),
        ("generic", "11a821f3b617f5da"),
        ("histoalign-breast", "f839be2f903b78e3"),
        ("idc", "621062cbc522bf82"),
        ("lung-colon", "0a9af9bd3ccf1fdf"),
        ("metastasis", "1b07419abb3f5b83"),
        ("nct-crc", "09ebf292b9af003b"),
    ],
)
def test_the_first_sets_keep_the_identity_of_their_runs(name: str, digest: str) -> None:
    """Regions sent to QuPath carry the run's identity; a changed set would send each of them twice."""
    prompts = PromptSet.load(name)
    held = json.dumps([prompts.to_dict(), prompts.expand().texts], sort_keys=True)

    assert hashlib.sha256(held.encode()).hexdigest()[:16] == digest


def test_context_that_is_not_given_stays() -> None:
    used = PLAIN.with_context(templates=["{}, {organ}"], organ="skin")

    assert used.with_context() == used
    assert used.with_context(organ="lung").sentences == ("{}, lung",)
    assert used.with_context(templates=["{}"]).organ == "skin"
    assert PLAIN.with_context(organ="skin").expand().texts == PLAIN.expand().texts


@pytest.mark.parametrize("templates", [["organ"], ["{} of the {organ}"]])
def test_templates_that_name_an_organ_ask_for_it(templates: list[str]) -> None:
    with pytest.raises(PromptError, match=r"names the organ.*has none.*'organ: breast'"):
        PLAIN.with_context(templates=templates)
    with pytest.raises(PromptError, match="names the organ"):
        replace(PLAIN.with_context(templates=templates, organ="breast"), organ=" . ")


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("conhc", r"'conhc' must hold \{\} once.*template set \(conch, plip, organ\)"),
        ("{} and {}", r"must hold \{\} once, where the prompt goes\."),
        ("the {organ}", r"must hold \{\} once, where the prompt goes\."),
        ("", r"must hold \{\} once"),
        ("{} of {organ}, {organ}", r"\{organ\} more than once"),
        ("{} of {organs}", r"\{organs\}, for which there is nothing"),
        ("{} of { organ }", r"\{ organ \}, for which there is nothing"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused(template: str, reason: str) -> None:
    with pytest.raises(PromptError, match=reason):
        PLAIN.with_context(templates=[template], organ="breast")


@pytest.mark.parametrize("organ", ["{}", "{organ}", "br}east", "bre{ast"])
def test_an_organ_is_no_template(organ: str) -> None:
    with pytest.raises(PromptError, match="plain word"):
        PLAIN.with_context(organ=organ)


def test_a_prompt_with_braces_stands_as_it_is() -> None:
    odd = PLAIN.with_prompts(0, ["a {} b", "{organ}"]).with_context(templates=["{} in {organ}"], organ="skin")

    assert odd.expand().texts[:2] == ("a {} b in skin", "{organ} in skin")


@pytest.mark.parametrize(
    ("sentence", "prompt", "text"),
    [
        ("an image of {}.", "Benign tissue.", "an image of Benign tissue."),
        ("{}.", "tumour. ", "tumour."),
        ("{}, H&E.", "tumour.", "tumour, H&E."),
        ("{} is shown.", "tumour.", "tumour is shown."),
        ("{}", "A whole sentence.", "A whole sentence."),
        ("this is {}", "tumour.", "this is tumour."),
        ("{}.", "...", "...."),
        ("{}.", "grade 2.5", "grade 2.5."),
    ],
)
def test_no_full_stop_is_doubled(sentence: str, prompt: str, text: str) -> None:
    assert fill(sentence, prompt) == text


def test_an_organ_with_a_full_stop_doubles_none() -> None:
    used = PLAIN.with_context(templates=["{} of the {organ}."], organ="breast.")

    assert used.expand().texts[0] == "carcinoma of the breast."
