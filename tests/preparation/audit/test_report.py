import json
import math

import pytest

from utkage.data.records import Dropped
from utkage.data.split import SplitConfig
from utkage.preparation.audit.duplicates import find_duplicates
from utkage.preparation.audit.report import build_audit
from utkage.preparation.audit.resolve import Decision, FixConfig, resolve


def audit_of(records, split_of=lambda component: "train", unreadable=(), **fix):
    config = FixConfig(**{"max_distance": 4, **fix})
    groups = find_duplicates(records, config.max_distance)
    decisions = resolve(records, groups, split_of, config)
    return build_audit(records, groups, decisions, unreadable, config, SplitConfig())


def far(k: int) -> int:
    """Hashes further apart than the tolerance of these tests, for k in 0..4."""
    return sum(0b1111 << (16 * place) for place in range(16) if k + 1 >> (place % 5) & 1)


@pytest.fixture
def mixed(make_record):
    return [
        make_record("same1", pixels="s", content="s", bits=far(0), age=40),
        make_record("same2", pixels="s", content="s", bits=far(0), age=41),
        make_record("near1", bits=far(1), age=20, gender=1, race=2),
        make_record("near2", bits=far(1) ^ 1, age=22, gender=1, race=2),
        make_record("war1", bits=far(2), age=10, source="other"),
        make_record("war2", bits=far(2) ^ 7, age=60, gender=1, source="other"),
        make_record("blank", bits=far(3), constant=True),
        make_record("plain", bits=far(4), age=80, race=None, wrong_extension=True),
    ]


def test_everything_is_accounted_for(mixed):
    audit = audit_of(
        mixed,
        lambda component: "test",
        [Dropped("s", "x.jpg", "damaged"), Dropped("s", "y.jpg", "damaged")],
    )
    assert audit.kept == 3
    assert audit.left_out == 7
    assert {under.title: [d.name for d in under.pictures] for under in audit.dropped} == {
        "damaged": ["x.jpg", "y.jpg"],
        "duplicates with conflicting labels": ["war1", "war2"],
        "duplicate of another picture": ["same2"],
        "near-duplicate of another picture": [
            name for name in ("near1", "near2") if name not in _kept_names(audit, mixed)
        ],
        "all pixels have one colour": ["blank"],
    }
    assert [(s.name, s.readable, s.kept) for s in audit.sources] == [
        ("faces", 6, 3),
        ("other", 2, 0),
    ]
    assert [(c.kind, c.groups, c.pictures) for c in audit.duplicates] == [
        ("byte", 1, 2),
        ("pixel", 0, 0),
        ("near", 2, 4),
    ]
    assert audit.wrong_extensions == ("plain",)
    assert audit.splits == (0, 0, 3)
    assert audit.genders == (2, 1)
    assert audit.races == (1, 0, 1, 0, 0, 1)
    assert sum(audit.heaping.counts) == 3


def _kept_names(audit, records):
    dropped = {item.name for under in audit.dropped for item in under.pictures}
    return {record.name for record in records} - dropped


def test_conflicts_name_their_members(mixed):
    (conflict,) = audit_of(mixed).conflicts
    assert (conflict.kind, conflict.split, conflict.age_spread) == ("near", "train", 50)
    assert {(m.name, m.age, m.gender) for m in conflict.members} == {
        ("war1", 10, 0),
        ("war2", 60, 1),
    }
    assert [m.distance for m in conflict.members] == [0, 3]
    assert all(m.kept for m in conflict.members)


def test_deviations_are_binomial(make_record):
    records = [make_record(f"n{k}", age=30) for k in range(100)]
    splits = {record.pixel_hash: "val" if k < 19 else "train" for k, record in enumerate(records)}
    audit = audit_of(records, splits.__getitem__, max_distance=-1)
    (stratum,) = [stratum for stratum in audit.strata if stratum.faces]
    assert (stratum.age_range, stratum.gender, stratum.splits) == ("26-35", 0, (81, 19, 0))
    assert stratum.deviations == pytest.approx((0.25, 3.0, -10 / 3))
    worst = audit.largest_deviation()
    assert worst is not None
    assert worst[1] == "test"
    assert math.isclose(worst[2], -10 / 3)


def test_dict_is_strict_json_of_schema_1(mixed):
    value = audit_of(mixed).to_dict()
    assert json.loads(json.dumps(value, allow_nan=False)) == json.loads(json.dumps(value))
    assert value["schema"] == 1
    assert value["conflicts"][0]["members"][0]["pixel_hash"]
    assert value["races"]["unknown"] == 1
    assert len(value["ages"]) == 117


def test_empty_audit_has_a_dict(make_record):
    audit = audit_of([])
    assert audit.largest_deviation() is None
    assert audit.to_dict()["heaping"]["index"] is None


@pytest.mark.parametrize(
    ("reason", "key"),
    [
        ("duplicate of a.jpg", "copy of another picture"),
        ("near-duplicate of a.jpg (distance 3)", "near-copy of another picture"),
        ("conflicting labels of 2 duplicates: both genders", "copies with contradicting labels"),
        # As sets of earlier versions put it.
        ("copy of a.jpg", "copy of another picture"),
        ("near-copy of a.jpg (distance 3)", "near-copy of another picture"),
        ("2 near-copies of this picture carry both genders", "copies with contradicting labels"),
        ("age outside 21-60", "age outside 21-60"),
    ],
)
def test_reasons_of_every_version_have_the_keys_of_schema_1(make_record, reason, key):
    records = [make_record("a.jpg")]
    groups = find_duplicates(records, -1)
    decisions = [Decision("train", reason)]
    audit = build_audit(records, groups, decisions, [], FixConfig(), SplitConfig())
    assert list(audit.to_dict()["dropped"]) == [key]
