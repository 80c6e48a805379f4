"""The bank's own desk in the story: who decides, what is checked before paying, and the file it keeps."""

import hashlib
import io
import zipfile
from functools import partial
from typing import Any, Final

from scf.dossier.layout import SUMS
from scf.parties.models import Role
from scf.story.desk import StoryDiverged
from scf.story.enrol import LIMIT
from scf.story.scenes import Story, text_of

ITEMS: Final = [{"code": "seal", "title": "核对合同章与授权委托书"}]
CONDITIONS: Final = [
    {"code": "registered"},
    {"code": "lock_final"},
    {"code": "second_search_clean", "days": 7},
    {"code": "invoices_fresh", "days": 7},
    {"code": "account_here"},
    {"code": "claim_covers"},
]
WORDS: Final = {True: "✓", False: "✗", None: "不适用"}


def configure(story: Story) -> None:
    """The bank says how it decides: an investigation, an authorised person, a checklist before paying."""
    day = story.script.pledged_on
    story.on("银行配置审批制度", "The bank says how it decides", day, "08:40")
    ladder = [{"up_to": max(LIMIT, story.script.loan).to_json()}]
    content = {
        "investigation": {"within": 3},
        "decision": {"within": 5, "ladder": ladder},
        "clearing": {"within": 2, "items": ITEMS, "conditions": CONDITIONS},
        "aftercare": {"within": 10, "check_every": 60, "classify_every": 60},
    }
    body = {
        "effective_on": day.isoformat(),
        "content": content,
        "maker": _hand(story, Role.MAKER),
        "checker": _hand(story, Role.CHECKER),
    }
    policy = story.cast.bank.desk.do("policy", "/v1/approval-policies", partial(dict, body))
    rows = {
        "环节": "调查 → 有权人审批 → 放款审核 → 贷后检查、五级分类",
        "放款前": f"{len(CONDITIONS)} 项自动核验，{len(ITEMS)} 项专人核对",
        "生效": policy["effective_on"],
    }
    story.show(story.cast.bank, f"审批制度第 {policy['number']} 版", rows, result="双人已录入")


def decide(story: Story, financing: str) -> None:
    """The account manager reports, an authorised person decides; before that there is no offer."""
    bank = story.cast.bank
    case = _case(story, financing)
    report = {"by": _hand(story, Role.MAKER), "report": "发票、入库与确权一致，贸易背景真实"}
    bank.desk.do("investigate", f"{case}/investigate", partial(dict, report))
    yes = {"by": _hand(story, Role.CHECKER), "approved": True, "reason": "同意", "conditions": []}
    decided = bank.desk.do("decide", f"{case}/decide", partial(dict, yes))
    decision = decided["decision"]
    rows = {
        "调查": "客户经理已提交调查报告",
        "审批": f"{text_of(decision['terms']['amount'])}，{decision['terms']['days']} 天以内",
        "有效期至": decision["valid_until"],
    }
    story.show(bank, "审批（有权人）", rows, result="同意，调查与审批由两人办理")


def clear(story: Story, financing: str) -> None:
    """Somebody ticks what a person has to see; the machine answers the rest, once more when money moves."""
    story.on("放款审核", "The checklist before paying", story.script.disbursed_on, "09:50")
    bank, case, hand = story.cast.bank, _case(story, financing), _hand(story, Role.CHECKER)
    for item in ITEMS:
        tick = {"by": hand, "code": item["code"], "ok": True}
        bank.desk.do(f"tick:{item['code']}", f"{case}/tick", partial(dict, tick))
    cleared = bank.desk.do("clear", f"{case}/clear", partial(dict, {"by": hand}))
    answers = cleared["records"][-1]["inputs"]["conditions"]
    rows = {answer["title"]: WORDS[answer["holds"]] for answer in answers}
    story.show(bank, "放款审核清单", rows, result="可以放款")


def take_dossier(story: Story, financing: str) -> None:
    """The bank takes the whole file away in one ZIP, and checks every paper of it against the list."""
    stage, bank = story.stage, story.cast.bank
    day = story.script.disbursed_on
    stage.screen.scene("尽职免责档案", "The bank's whole file in one ZIP", day)
    file = stage.folder / "proofs" / "dossier.zip"
    if not file.exists():
        answer = bank.desk.read(f"/v1/financings/{financing}/dossier.zip")
        file.parent.mkdir(parents=True, exist_ok=True)
        partial_file = file.with_suffix(".part")
        partial_file.write_bytes(answer.content)
        partial_file.replace(file)
    with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
        lines = archive.read(SUMS).decode().splitlines()
        listed = {path: sha256 for sha256, path in (line.split("  ", 1) for line in lines)}
        found = {
            path: hashlib.sha256(archive.read(path)).hexdigest()
            for path in archive.namelist()
            if path != SUMS
        }
    if listed != found:
        raise StoryDiverged(step="dossier", listed=len(listed), found=len(found))
    rows = {
        "文件": file.name,
        "内容": "合同、发票与查验、确权函、查询与登记证明、审批与核对清单、回单、存证证明",
        "材料": f"{len(found)} 个文件，SHA-256 逐个相符；缺失的材料在目录中注明",
    }
    story.show(bank, "融资业务档案", rows, result="已取走，可离线核验")


def _case(story: Story, financing: str) -> str:
    """Return the path of the bank's case for a financing. Raises StoryDiverged."""
    found: list[dict[str, Any]] = story.cast.bank.desk.see(
        "/v1/approval-cases", financing=financing
    )["items"]
    if len(found) != 1:
        raise StoryDiverged(step="case", expected=1, found=len(found))
    return f"/v1/approval-cases/{found[0]['id']}"


def _hand(story: Story, role: Role) -> dict[str, str]:
    """Return who of the bank acts in a role, and under which mandate."""
    hands = story.cast.bank.desk.hands.values()
    hand = next(one for one in hands if role.value in one.mandates)
    return {"person": hand.person, "mandate": hand.mandates[role.value]}
