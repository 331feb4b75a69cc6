"""What is no history is refused in one line that says where."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.simulation.linearizability import (
    MODELS,
    HistoryError,
    Replay,
    RevisionRead,
    RevisionWrite,
    Verdict,
    check,
    explain,
    operations,
    read_history,
)
from kube_actors.simulation.linearizability.edn import EdnError, read_edn

W = "{:process 0, :type :invoke, :f :write, :value 1}\n"
T = "{:process 0, :type :invoke, :f :txn, :value [[:append 3 2] [:r 3 nil]]}\n"
OK = "{:process 0, :type :ok, :f :write, :value 1}\n"


@pytest.mark.parametrize(
    ("text", "model", "said"),
    [
        ("", "register", "line 1: no operation in the whole file"),
        (OK, "register", "line 1:1: process 0 completes write, which it never invoked"),
        (W + W, "register", "line 2:1: process 0 invokes write while its write of line 1:1 is"),
        (W + OK.replace("write", "read"), "register", "line 2:1: process 0 completes read but"),
        (W.replace("write", "cas"), "register", "line 1:1: register has no 'cas'; it knows read"),
        (W.replace("write", "cas"), "cas-register", "line 1:1: cas has the value 1, expected"),
        (W + OK.replace("1}", "2}"), "register", "line 2:1: write was invoked with 1 and comp"),
        (W.replace("1}", "[1 2 3]}"), "register", "line 1:1: write of a register has the value ["),
        (W + OK[:-2], "register", "line 2:1: { is never closed: the text ends"),
        ("[" + W, "register", "line 1:1: [ is never closed: the text ends"),
        (W + "}", "register", "line 2:1: } closes nothing"),
        (W + "5", "register", "line 2:1: expected an operation's map, got 5"),
        (W.replace(":invoke", ":start"), "register", "line 1:1: type is 'start', expected one of"),
        (W.replace(":f :write,", ""), "register", "line 1:1: the operation has no f"),
        (W.replace("0,", "1.5,"), "register", "line 1:1: process is 1.5, expected a number or a"),
        ('{"process": 0, "type": "invoke", "f": "read"', "register", "line 1:45: not JSON"),
        ('{"process": 0, "type": "ok", "f": "read"}', "register", "line 1: process 0 completes"),
        (W.replace(":process", ":f :w :process"), "register", "line 1:1: the map has a key twice"),
        (
            W.replace("1}", "9" * 5000 + "}"),
            "register",
            "line 1:47: a number of 5000 digits, at mo",
        ),
        ('{"process": ' + "9" * 5000 + "}", "register", "line 1:1: not JSON: a number of 5000 dig"),
        (
            W.replace("1}", "[" + "1 " * 5000 + "]}"),
            "register",
            "line 1:1: write of a register has",
        ),
        (T.replace("[[", "5 #_[["), "append", "line 1:1: txn of 5, expected a vector of [f key"),
        (T.replace(":append", ":inc"), "append", 'line 1:1: "inc" in a txn, it knows append, r, w'),
        (T.replace(":r 3", ":r 4"), "append", "line 1:1: a transaction over 2 keys (3, 4): keys"),
        (T.replace(":r 3", ":r [3]"), "append", "line 1:1: the key is [3], expected a scalar"),
        (T.replace("nil]]", "nil] 7]"), "append", "line 1:1: 7 in a txn, expected [f key value]"),
        (T.replace(":append", ":w"), "append", 'line 1:1: txn of a list has "w"; it knows append'),
        (T, "set", "line 1:1: set has no 'txn'; it knows add, read"),
        (T + T.replace("invoke", "ok").replace("2]", "9]"), "append", "line 2:1: txn was invoked"),
        (T.replace("[:r 3 nil]", "") + T.replace("invoke", "ok"), "append", "line 2:1: process 0"),
        ('{"process": 0, "process": 1}', "register", "line 1:1: not JSON: a name stands twice"),
        ('[{"process": 0,', "register", "line 1:"),
    ],
)
def test_what_is_no_history_is_refused_with_its_place(text: str, model: str, said: str) -> None:
    with pytest.raises(HistoryError) as caught:
        operations(read_history(text), MODELS[model])
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("nil", None),
        ("[1 -2N 3.5M 1e3 true]", (1, -2, 3.5, 1000.0, True)),
        (r'"a\n\"\u00e9"', 'a\n"é'),
        (r"[\a \newline \u0041]", ("a", "\n", "A")),
        ("#{:a :b}", frozenset({"a", "b"})),
        ('{:a #inst "2020", :b #jepsen.history.Op{:x 1}} ; end', {"a": "2020", "b": {"x": 1}}),
        ("[#_ 1 2 #_#_ 3 4 5]", (2, 5)),
        ("(symbol, :kw/x)", ("symbol", "kw/x")),
    ],
)
def test_edn_is_read(text: str, value: object) -> None:
    assert [placed.value for placed in read_edn(text)] == [value]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1\n  )", "2:3: ) closes nothing"),
        ('\n "abc', "2:2: a text that never ends"),
        ("{:a}", "1:1: the map has a key without a value"),
        ("[1 #_]", "1:4: #_ with nothing behind it"),
        ("12x", "1:1: '12x' is neither a number nor a name"),
        ('"\\q"', "1:1: the text has the unknown escape \\q"),
        ("[" * 200, "1:101: brackets more than 100 deep"),
        ("#{{}}", "1:1: a map cannot be a key"),
    ],
)
def test_what_is_no_edn_is_refused_with_line_and_column(text: str, said: str) -> None:
    with pytest.raises(EdnError) as caught:
        list(read_edn(text))
    assert str(caught.value).startswith(said)


def test_a_history_in_one_vector_has_its_places_line_by_line() -> None:
    text = (
        "[{:type :invoke, :process 0, :f :write, :value 1}\n"
        " {:type :ok, :process 0, :f :write, :value 1}]\n"
        "{:type :invoke, :process 0, :f :write, :value [[2]]}\n"
    )
    places = [event.where for event in read_history(text, keyed=False)]
    assert places == ["line 1:2", "line 2:2", "line 3:1"]


@given(st.text(alphabet=st.sampled_from(list('{}[]()#_:\\"; \n1a,^.-'))) | st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(HistoryError):
        operations(read_history(text), MODELS["register"])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_read_or_refused(value: object) -> None:
    event = {"process": 0, "type": "invoke", "f": "write", "value": value}
    for text in (json.dumps(value), json.dumps(event), json.dumps([event])):
        with suppress(HistoryError):
            operations(read_history(text, format="json"), MODELS["key-value"])


def test_failed_operations_did_not_happen_and_unknown_ones_stay_open() -> None:
    text = (
        W + OK.replace(":ok", ":fail") + W + OK.replace(":ok", ":info") + W.replace("0,", "7,", 1)
    )
    done = operations(read_history(text), MODELS["register"])
    assert [(o.process, o.known) for o in done] == [(0, False), (7, False)]


def test_a_key_is_a_field_or_the_first_of_every_pair() -> None:
    pairs = read_history(W.replace("1}", "[:x 1]}"))
    field = read_history(W.replace("1}", "1, :key :x}"))
    assert [(e.key, e.value) for e in pairs] == [(e.key, e.value) for e in field] == [("x", 1)]
    cas = read_history(W.replace("write", "cas").replace("1}", "[1 2]}"))
    assert [(e.key, e.value) for e in cas] == [(None, (1, 2))]
    with pytest.raises(HistoryError, match="value is 1, expected \\[key value\\]"):
        read_history(W, keyed=True)


def test_a_transaction_on_one_key_is_one_operation() -> None:
    text = (
        T
        + T.replace("invoke", "ok").replace("nil", "[2]")
        + "{:process 1, :type :invoke, :f :txn, :value [[:r 3 nil]]}\n"
        "{:process 1, :type :ok, :f :txn, :value [[:r 3 [2]]]}\n"
        "{:process 0, :type :invoke, :f :txn, :value [[:append 3 4]]}\n"
        "{:process 0, :type :info, :f :txn, :value nil}\n"
    )
    events = read_history(text)
    assert [(e.function, e.key) for e in events[::2]] == [("txn", 3), ("read", 3), ("append", 3)]
    assert events[-1].key == 3
    judgement = check(events, MODELS["append"])
    assert judgement.verdict is Verdict.LINEARIZABLE
    torn = read_history(text.replace("[[:r 3 [2]]]", "[[:r 3 []]]"))
    said = explain(check(torn, MODELS["append"]), MODELS["append"])
    assert said.startswith("NOT linearizable: 3 operations, as an append")
    assert "txn append 2, read → [2]" in said
    single = T.replace("[:append 3 2] [:r 3 nil]", "[:w 3 2]")
    written = read_history(single + single.replace("invoke", "ok"))
    assert check(written, MODELS["register"]).verdict is Verdict.LINEARIZABLE


def test_an_old_read_may_be_old_but_not_wrong() -> None:
    replay = Replay([RevisionWrite(2, "a", "1"), RevisionWrite(4, "a", None)])
    reads = [
        RevisionRead(1, "a", None, "one"),
        RevisionRead(3, "a", "1", "two"),
        RevisionRead(4, "a", "1", "three"),
        RevisionRead(9, "a", None, "four"),
    ]
    assert replay.wrong(reads) == [
        "three: 'a' was None at revision 4, read '1'",
        "four: read of 'a' at revision 9, but the last write has 4",
    ]
    with pytest.raises(ValueError, match="revision 2 writes key 'a' twice"):
        Replay([RevisionWrite(2, "a", "1"), RevisionWrite(2, "a", "2")])


def test_the_command_exits_with_the_verdict(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from kube_actors.cli.sim.check import check

    histories = Path(__file__).parent / "histories"

    def run(*arguments: object) -> tuple[int, str]:
        result = CliRunner().invoke(check, [str(argument) for argument in arguments])
        return result.exit_code, result.output

    code, said = run(histories / "stale-read.edn", "--model", "register")
    assert (code, "register has no 'cas'" in said) == (2, True)
    code, said = run(histories / "stale-read.edn", "--model", "cas-register")
    assert (code, "NOT linearizable" in said) == (1, True)
    code, said = run(histories / "independent-keys.edn", "--model", "cas-register")
    assert (code, said) == (0, "linearizable: 5 operations on 2 keys, as a cas-register\n")
    code, said = run(histories / "stale-read.edn", "--model", "cas-register", "--timeout", "1e-9")
    assert (code, "undecided" in said) == (3, True)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    code, said = run(tmp_path / "bytes", "--model", "set")
    assert (code, "bytes: not text in UTF-8: invalid start byte at byte 0" in said) == (2, True)
