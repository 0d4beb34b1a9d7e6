from dataclasses import replace

import pytest
from hand import LEFT, RIGHT, SHA1, layout, record

from research.evaluation.evidence import EvidenceError, Log, Subject, different, path_of, read, read_all
from research.evaluation.values import KINDS

A, B = layout(LEFT, RIGHT), layout(LEFT, id="b")
MODEL = {"model": "tiny", "dtype": "float32"}
RECORDS = [
    record(A, 0, {"text": "yes\u2028", "p_yes": 0.75}),
    record(A, 1, "the server answered 413"),
    record(B, 0, {"text": "no", "p_yes": None}, "2e"),
]
KEYS = [r.subject.key for r in RECORDS]


def write(folder, records, fingerprint=MODEL):
    with Log(folder, "answer", "tiny", fingerprint) as log:
        for record in records:
            log.add([record])
        return log.path


def go_on(folder):
    with Log(folder, "answer", "tiny", MODEL) as log:
        log.add([r for r in RECORDS if log.lacks(r.subject)])


def test_a_kill_at_any_byte_costs_one_line_at_most(tmp_path):
    path = write(tmp_path, RECORDS)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        go_on(tmp_path)
        assert path.read_bytes() == whole, length


def test_a_half_line_is_not_there_for_readers(tmp_path):
    path = write(tmp_path, RECORDS)
    path.write_bytes(path.read_bytes()[:-1])
    assert list(read(path).records) == KEYS[:2]


def test_any_order_leaves_the_same_bytes(tmp_path):
    def ordered(folder, records):
        path = write(folder, records)
        with Log(folder, "answer", "tiny", MODEL) as log:
            log.put_in_order(KEYS)
        return path.read_bytes()

    first = ordered(tmp_path / "1", RECORDS)
    assert ordered(tmp_path / "2", RECORDS[::-1]) == first
    failed = record(B, 0, "late", "2e")
    assert ordered(tmp_path / "3", [failed, *RECORDS]) == first, "the later word counts, alone"


def test_what_is_lacking(tmp_path):
    write(tmp_path, RECORDS[:2])
    with Log(tmp_path, "answer", "tiny", MODEL) as log:
        assert log.lacks(Subject.of(B, 0, "2e")), "never asked"
        assert log.lacks(Subject.of(A, 0, "3d")), "another picture"
        assert log.lacks(Subject.of(layout(RIGHT, RIGHT), 0, SHA1)), "another box"
        failure, answer = Subject.of(A, 1, SHA1), Subject.of(A, 0, SHA1)
        assert not log.lacks(failure), "a failure is an answer"
        assert log.lacks(failure, retry_failed=True)
        assert not log.lacks(answer, retry_failed=True)


def test_another_fingerprint_is_refused_in_words(tmp_path):
    path = write(tmp_path, RECORDS)
    before = path.read_bytes()
    with pytest.raises(EvidenceError, match=r"dtype 'float32' instead of 'float16', pixels None instead of 512"):
        write(tmp_path, [], {"model": "tiny", "dtype": "float16", "pixels": 512})
    assert path.read_bytes() == before
    assert not different(MODEL, dict(reversed(MODEL.items())))


@pytest.mark.parametrize(
    "other",
    [
        layout(RIGHT, RIGHT),
        layout(LEFT, RIGHT, noun="dog"),
        layout(LEFT, RIGHT, colour="red"),
        replace(A, width=768),
        replace(A, instances=(replace(A.instances[0], text="a cup"), A.instances[1])),
    ],
)
def test_evidence_on_another_layout_of_the_same_id_is_refused(tmp_path, other):
    evidence = read(write(tmp_path, RECORDS))
    assert evidence.about(Subject.of(A, 0, SHA1)).value == RECORDS[0].value
    with pytest.raises(EvidenceError, match=r"The layout of a is not the one that tiny was asked about .*look again"):
        evidence.about(Subject.of(other, 0, SHA1))


def test_evidence_on_an_older_picture_is_refused(tmp_path):
    evidence = read(write(tmp_path, RECORDS))
    assert evidence.about(Subject.of(layout(LEFT, id="c"), 0, SHA1)) is None
    with pytest.raises(EvidenceError, match=r"The picture of a is not the one that tiny was asked about .*look again"):
        evidence.about(Subject.of(A, 0, "3d"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("[]\n", "line 1 is no JSON object"),
        ('{"version": 2, "kind": "answer", "fingerprint": {}}\n', "does not begin with version 1"),
        ('{"version": 1, "kind": "boxes", "fingerprint": {}}\n', "kind answer"),
        ('{"version": 1, "kind": "answer", "fingerprint": {}}\n{"layout": "a"\n', "line 2 cannot be read"),
        (
            '{"version": 1, "kind": "answer", "fingerprint": {}}\n{"layout": "a"}\n',
            "line 2: layout, instance, picture, asked",
        ),
        (
            '{"version": 1, "kind": "answer", "fingerprint": {}}\n'
            '{"layout": "a", "instance": 0, "picture": "1f", "asked": "", "value": {"text": "yes"}}\n',
            "or a value of answer were expected",
        ),
    ],
)
def test_foreign_files_are_refused(tmp_path, content, said):
    path = path_of(tmp_path, "answer", "tiny")
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(EvidenceError) as error:
        read_all(tmp_path)
    assert said in str(error.value)


def test_a_file_of_no_kind_is_refused(tmp_path):
    path = path_of(tmp_path, "answer", "tiny").with_name("foo-bar.jsonl")
    path.parent.mkdir()
    path.write_text(
        '{"version": 1, "kind": "foo", "fingerprint": {}}\n'
        '{"layout": "a", "instance": 0, "picture": "1f", "asked": "", "value": {}}\n'
    )
    with pytest.raises(EvidenceError, match=r"foo-bar\.jsonl is no evidence: a name that begins with one of"):
        read_all(tmp_path)


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        ("boxes", {"boxes": []}, True),
        ("boxes", {"boxes": [[0, 0, 1, 1]]}, False),
        ("boxes", {"boxes": [[0, 0, 1, 1, float("nan")]]}, False),
        ("boxes", [], False),
        ("answer", {"text": "yes", "p_yes": None}, True),
        ("answer", {"text": None, "p_yes": 0.5}, False),
        ("answer", {"text": "yes", "p_yes": 1.5}, False),
        ("colours", {"pixels": 0, "shares": {"red": 0.0}}, True),
        ("colours", {"pixels": 0, "shares": {"red": True}}, False),
        ("clip", {"phrase": 0.2, "labels": {}}, False),
        ("oracle", {"found": None}, False),
    ],
)
def test_what_is_a_value(kind, value, fits):
    assert KINDS[kind].fits(value) is fits


def test_numbers_that_are_none_are_not_written(tmp_path):
    with Log(tmp_path, "clip", "tiny", MODEL) as log, pytest.raises(ValueError, match="JSON"):
        log.add([record(A, 0, {"phrase": float("nan"), "labels": {}})])


def test_names_of_models_are_no_paths(tmp_path):
    assert path_of(tmp_path, "answer", "../Qwen/Qwen2.5 VL").parent == tmp_path / "evidence"
    with pytest.raises(EvidenceError, match="no evidence of the kind"):
        path_of(tmp_path, "smell", "tiny")
