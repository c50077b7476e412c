"""Text and plain data become typed values, or an error that says what would be right."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Literal

import pytest

from legged_gym.utils.config_values import Plain, ValueMismatch, convert, describe, to_text


class Ground(enum.Enum):
    FLAT = 1
    ROUGH = 2


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("True", bool, True),
        ("false", bool, False),
        ("-3", int, -3),
        ("3e-4", float, 3e-4),  # YAML 1.1 would make this text
        ("7", float, 7.0),
        ("-inf", float, float("-inf")),
        (".inf", float, float("inf")),
        ("20250410_063030", str, "20250410_063030"),  # float() and YAML 1.1 would make this a number
        ("007", str, "007"),
        ("None", float | None, None),
        ("null", str | None, None),
        ("none", Literal["none", "pd"], "none"),
        ("none", Literal["none", "pd"] | None, "none"),
        ("ROUGH", Ground, Ground.ROUGH),
        ("[a, b]", list[str], ["a", "b"]),
        ("a,b", list[str], ["a", "b"]),
        ("a", list[str], ["a"]),
        ("[]", list[str], []),
        ("['a, b', c]", list[str], ["a, b", "c"]),
        ("walk[0-9].csv", list[str], ["walk[0-9].csv"]),
        ("(1, 2)", tuple[int, ...], (1, 2)),
        ("(1,)", tuple[int, ...], (1,)),
        ("0.5,2", tuple[float, float], (0.5, 2.0)),
        ("[[1, 2], [3]]", list[list[int]], [[1, 2], [3]]),
        ("{hip: 75, knee: 100}", dict[str, float], {"hip": 75.0, "knee": 100.0}),
        ("hip:75,knee:100", dict[str, float], {"hip": 75.0, "knee": 100.0}),
        ("{}", dict[str, float], {}),
        ("out/eval.json", Path, Path("out/eval.json")),
    ],
)
def test_text_is_read_as_the_type_of_the_field(text: str, kind: object, value: object) -> None:
    read = convert(Plain(text), kind)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("1.5", int, "an integer"),
        ("1e3", int, "an integer"),
        ("1_000", int, "an integer"),
        ("True", int, "an integer"),
        ("yes", bool, "True or False"),
        ("1", bool, "True or False"),
        ("nan", float, "a number"),
        ("1_0.5", float, "a number"),
        ("", float | None, "a number or None"),
        ("None", str, "a text"),
        ("pdd", Literal["none", "pd"], "one of none, pd"),
        ("flat", Ground, "one of FLAT, ROUGH"),
        ("1,2,3", tuple[float, float], "a list of 2: [a number, a number]"),
        ("1,x", list[int], "x is not an integer"),
        ("1,,2", list[int], "an item is empty"),
        ("hip", dict[str, float], "a mapping {name: value}"),
        ("hip:x", dict[str, float], "x is not a number"),
    ],
)
def test_wrong_text_is_refused_with_what_is_right(text: str, kind: object, expected: str) -> None:
    with pytest.raises(ValueMismatch) as caught:
        convert(Plain(text), kind)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("value", "kind"), [(1.0, int), (True, int), (1, bool), (True, float), (5, str), ("5", int)]
)
def test_plain_data_is_not_cast_to_another_type(value: object, kind: object) -> None:
    with pytest.raises(ValueMismatch):
        convert(value, kind)


def test_integers_are_numbers() -> None:
    value = convert(3, float)
    assert value == 3.0 and isinstance(value, float)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, float | None),
        (float("-inf"), float),
        (Ground.ROUGH, Ground),
        (["a, b", "None", "", "it's", "5"], list[str]),
        (((1, 2), (3, 4)), tuple[tuple[int, int], ...]),
        ({"hip_.*": 1e-9}, dict[str, float]),
    ],
)
def test_text_of_a_value_reads_back_as_the_value(value: object, kind: object) -> None:
    assert convert(Plain(to_text(value)), kind) == value


def test_description_of_an_optional_choice() -> None:
    assert describe(Literal["none", "pd"] | None) == "one of none, pd or None"
