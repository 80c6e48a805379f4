"""`scf call` against a running installation: whose name, what is sent, what is shown, what is saved."""

import io
import json

import pytest

from scf import cli
from scf.bootstrap import keep_client
from scf.kernel.ids import public_id
from tests.support.receivables import register_invoice, submit
from tests.support.serving import served


@pytest.fixture
def call(stage, monkeypatch, capsys, tmp_path):
    """Run `scf call` as a named client of the installation: exit code, stdout, stderr."""
    for name in ("anchor", "supplier"):
        company = getattr(stage.cast, name)
        client = public_id("cli", company.client_id)
        stage.settings.data.mkdir(exist_ok=True)
        keep_client(stage.settings, name, client, company.client_secret)
    monkeypatch.setenv("SCF_DATA", str(stage.settings.data))
    monkeypatch.chdir(tmp_path)
    with served(stage) as url:
        monkeypatch.setenv("SCF_API_URL", url)

        def run(method, path, *options):
            code = cli.main(["call", method, path, *map(str, options)])
            return code, *capsys.readouterr()

        yield run


def test_an_answer_is_shown_as_the_named_client_sees_it(stage, call):
    found = submit(stage)
    code, shown, said = call("GET", "/v1/receivables", "--as", "anchor")
    assert (code, said) == (0, "")
    assert json.loads(shown)["items"][0]["id"] == found
    assert "\n" in shown.strip()
    assert call("GET", f"/v1/receivables/{found}", "--as", "supplier", "--pick", "state") == (
        0,
        "SUBMITTED\n",
        "",
    )
    code, shown, _ = call(
        "GET", "/v1/receivables", "--as", "anchor", "--query", "limit=1", "--json"
    )
    assert (code, len(shown.splitlines())) == (0, 1)
    assert len(json.loads(shown)["items"]) == 1


@pytest.mark.parametrize("given", ["inline", "file", "stdin"])
def test_a_command_is_sent_under_a_key_of_its_own(stage, call, given, monkeypatch, tmp_path):
    document = register_invoice(stage, stage.cast.supplier)
    line = {"programme": stage.cast.programme, "line_no": f"C-{given}", "documents": [document]}
    text = json.dumps(line | {"due_on": "2025-12-19"})
    (tmp_path / "line.json").write_text(text)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    body = {"inline": text, "file": "line.json", "stdin": "-"}[given]
    send = ("POST", "/v1/receivables", "--as", "supplier", "--body", body, "--pick", "line_no")

    assert call(*send, "--key", f"once-{given}")[:2] == (0, f"C-{given}\n")
    if given != "stdin":
        assert call(*send, "--key", f"once-{given}")[:2] == (0, f"C-{given}\n")
        code, shown, said = call(*send)
        assert (code, shown) == (1, "")
        assert "receivable." in said


def test_a_refusal_is_said_in_chinese_first_with_its_numbers(call):
    code, shown, said = call("POST", "/v1/receivables", "--as", "supplier", "--body", "{}")
    assert (code, shown) == (1, "")
    first, *numbers = said.splitlines()
    assert first.startswith("请求内容不符合接口要求 (The request does not fit the endpoint)")
    assert first.endswith("request.invalid")
    assert '  faults: {"field": "line_no", "rule": "Field required"}' in numbers
    code, shown, _ = call("GET", "/v1/receivables/x", "--as", "supplier", "--json")
    assert (code, json.loads(shown)["code"]) == (1, "id.invalid")


def test_a_file_is_saved_under_its_name_and_never_over_another(call, tmp_path):
    fetch = ("GET", "/v1/receivables/pending.csv", "--as", "anchor")
    assert call(*fetch)[0] == 0
    (saved,) = tmp_path.glob("*.csv")
    kept = saved.read_bytes()
    assert kept
    saved.write_bytes(b"mine")
    code, _, said = call(*fetch)
    assert (code, saved.read_bytes()) == (1, b"mine")
    assert "call.file_exists" in said
    assert call(*fetch, "--out", saved)[0] == 0
    assert saved.read_bytes() == kept


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--as", "nobody_known"), "api.client_missing"),
        (("--as", "anchor", "--query", "limit"), "call.argument_malformed"),
        (("--as", "anchor", "--pick", "items.9.id"), "call.nothing_there"),
        (("--as", "anchor", "--body", "absent.json"), "file"),
    ],
)
def test_what_cannot_be_sent_is_said_before(call, options, code):
    exit_code, shown, said = call("GET", "/v1/receivables", *options)
    assert (exit_code, shown) == (2, "")
    assert code in said


def test_nobody_sees_what_is_public(call):
    assert call("GET", "/healthz", "--as", "nobody")[0] == 0
    code, _, said = call("GET", "/v1/receivables", "--as", "nobody")
    assert code == 1
    assert "auth.token_invalid" in said
