"""What the verifier says for each code: Chinese first, English second, with the numbers filled in."""

from collections.abc import Mapping
from typing import Any, Final

_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    # Ticks
    "record.pass": ("记录与入账摘要逐字段相符", "every field shown is the one that was hashed"),
    "inclusion.pass": ("各条目均在日志树中", "every entry is in the tree of the log"),
    "checkpoint.pass": (
        "检查点由受信日志签署, 第 {size} 条为止",
        "signed by the trusted log, up to {size} entries",
    ),
    "authorization.pass": ("签名均属持证当事人", "every signature is a certified party's"),
    "completeness.pass": (
        "应有的条目、签署人与披露齐全, 数额相符",
        "entries, signers and disclosures are all there, and the sums are right",
    ),
    "anchor.pass": ("链上合约存有同一根", "the contract on chain holds the same root"),
    "standing.pass": (
        "截至第 {size} 条, 无更新的版本",
        "no later version up to entry {size}",
    ),
    # Not checked
    "case.empty": ("文件中没有条目", "the file has no entries"),
    "case.unread": ("记录未能读取, 未核对", "not checked: the records could not be read"),
    "case.no_checkpoint": ("检查点未通过, 未核对", "not checked: the checkpoint does not hold"),
    "inclusion.no_checkpoint": ("检查点无法读取, 未核对", "not checked: unreadable checkpoint"),
    "anchor.no_checkpoint": ("检查点未通过, 未核对", "not checked: the checkpoint does not hold"),
    "anchor.absent": ("文件未附链上锚定", "the file names no anchor"),
    "anchor.no_rpc": ("未核对 (需 --rpc)", "not checked (needs --rpc)"),
    "standing.no_log": ("未核对 (需 --log)", "not checked (needs --log)"),
    "standing.no_secret": ("文件未附标签密钥, 无从核对", "not checked: no tag secret in the file"),
    # Form
    "ledger.error": ("数据无效: {reason}", "invalid: {reason}"),
    "json.unencodable": ("数据无规范形式: {reason}", "no canonical form: {reason}"),
    "json.not_canonical": ("字节不是规范形式: {reason}", "not canonical bytes: {reason}"),
    "format.malformed": ("格式不符: {reason}", "malformed: {reason}"),
    "format.too_large": ("超出大小上限: {reason}", "too large: {reason}"),
    "signature.invalid": ("签名不成立: {reason}", "bad signature: {reason}"),
    "certificate.invalid": ("证书不可用: {reason}", "bad certificate: {reason}"),
    "merkle.mismatch": ("与树根不符: {reason}", "does not lead to the root: {reason}"),
    "tiles.missing": ("日志数据缺失: {reason}", "the log lacks data: {reason}"),
    "file.unreadable": ("文件无法读取: {reason}", "cannot read the file: {reason}"),
    # Record
    "record.not_in_event": ("字段 {field} 不在事件中", "field {field} is not in the event"),
    "record.field_twice": ("字段 {field} 出现两次", "field {field} is shown twice"),
    "record.field_malformed": (
        "字段 {field} 不属于 {type} 或取值不合规",
        "field {field} is not one of {type}, or malformed",
    ),
    "record.differs_from_body": (
        "字段 {field} 与事件正文不一致",
        "field {field} is not what the event body says",
    ),
    # Readings
    "reading.absent": ("缺少读数", "the reading is missing"),
    "reading.entries": (
        "应恰有一条 {type}, 实有 {found} 条",
        "exactly one {type} is needed, there are {found}",
    ),
    "reading.other_device": (
        "摘要属于另一设备 {device}",
        "the root is of another device, {device}",
    ),
    "reading.other_hour": (
        "测量时间 {at} 不在 {hour} 起的一小时内",
        "measured at {at}, not within the hour from {hour}",
    ),
    "reading.not_signed": ("设备签名的批次中没有该读数", "not in the batch that the device signed"),
    # Inclusion
    "inclusion.tag_missing": ("缺少标签", "the tag is missing"),
    "inclusion.proof_missing": ("缺少包含证明", "the inclusion proof is missing"),
    "inclusion.wrong_tag": (
        "标签不属于 {subject} 第 {version} 版",
        "the tag is not that of {subject} version {version}",
    ),
    # Checkpoint
    "checkpoint.missing": ("没有检查点", "there is no checkpoint"),
    "checkpoint.not_one": ("文件含 {count} 个不同的检查点", "{count} checkpoints differ"),
    "checkpoint.unknown_log": ("日志 {origin} 不在信任清单", "log {origin} is not trusted"),
    "checkpoint.too_few_witnesses": (
        "见证方 {found} 个, 至少 {needed} 个",
        "{found} witnesses, {needed} needed",
    ),
    "checkpoint.witness_time": ("见证时间 {time} 无效", "witness time {time} is not one"),
    # Authorization
    "authorization.not_listed": ("签名不在事件之列", "the event does not list this signature"),
    "authorization.unexpected_act": (
        "{type} 不由行为 {act} 授权",
        "act {act} does not authorise {type}",
    ),
    "receipt.unexpected": (
        "{type} 不是登记，不应附登记回执",
        "{type} is no registration, yet has a receipt",
    ),
    "receipt.other_key": (
        "登记回执由另一密钥签署",
        "the receipt names another key than its certificate's",
    ),
    "receipt.other_subject": (
        "登记回执属于另一笔登记（填表人归档号 {reference}）",
        "the receipt is of another registration, filed as {reference}",
    ),
    "receipt.differs": (
        "登记回执中的 {field} 与记录不符",
        "the receipt says another {field} than the record",
    ),
    "authorization.no_certificate": ("缺少签署证书", "the signer's certificate is missing"),
    "authorization.no_revocation_list": (
        "缺少签署时 ({issued_at}) 之后的吊销清单",
        "no revocation list from {issued_at} or later",
    ),
    "authorization.revoked": ("证书已于 {revoked_at} 吊销", "certificate revoked at {revoked_at}"),
    "authorization.wrong_scope": (
        "发证机构范围为 {scope}, 应为 {needed}",
        "the authority speaks for {scope}, {needed} is needed",
    ),
    "authorization.wrong_origin": (
        "签名是为另一日志 {origin} 所作",
        "signed for another log, {origin}",
    ),
    "authorization.wrong_party": (
        "签署方 {party} 不是记录中的 {role}",
        "{party} is not the {role} of the record",
    ),
    "authorization.wrong_step": ("签署步骤 {step} 不适用", "step {step} does not belong here"),
    "authorization.wrong_version": (
        "签名针对 {subject} 第 {version} 版, 并非本事件之前的版本",
        "signed about {subject} version {version}, not the one before this event",
    ),
    "authorization.out_of_time": (
        "事件时间 {occurred_at} 不在签名有效期内",
        "the event ({occurred_at}) is outside the statement's time",
    ),
    "authorization.content_differs": (
        "签署内容 {key} 与记录字段 {field} 不一致",
        "signed {key} is not the record's {field}",
    ),
    "authorization.step_twice": ("同一步骤 {step} 签了两次", "step {step} is signed twice"),
    "authorization.steps_differ": (
        "经办与复核所签内容不同",
        "maker and checker signed differently",
    ),
    "authorization.same_person": (
        "经办与复核不是两个人、两份证书",
        "maker and checker are not two people with two certificates",
    ),
    "authorization.line_not_signed": ("所示行不在签署的清单内", "the line shown was not signed"),
    "authorization.one_line_shown": (
        "清单应只示一行, 现示 {count} 行",
        "{count} lines shown, not 1",
    ),
    "authorization.line_contradicts": ("行与清单公共内容重复", "a line repeats common content"),
    # Completeness
    "completeness.entry_count": ("条目 {count} 个, 应为 {needed}", "{count} entries, not {needed}"),
    "completeness.entry_missing": ("缺少 {type}", "{type} is missing"),
    "completeness.entry_twice": ("{type} 有 {count} 个", "{count} entries of {type}"),
    "completeness.foreign_entry": ("{subject} 与本证明无关", "{subject} is not of this case"),
    "completeness.version_twice": ("第 {version} 版出现两次", "version {version} stands twice"),
    "completeness.version_missing": ("缺少第 {version} 版", "version {version} is missing"),
    "completeness.chain_broken": (
        "第 {version} 版未承接前一版",
        "version {version} does not follow the one before",
    ),
    "completeness.authorization_missing": (
        "事件列有 {listed} 份授权, 文件只有 {given} 份",
        "{listed} authorizations are listed, {given} given",
    ),
    "completeness.signer_missing": (
        "缺少 {party} 的 {act} 签署 (步骤 {step})",
        "the {act} of the {party} is missing (step {step})",
    ),
    "completeness.field_hidden": ("{type} 未披露字段 {field}", "{type} does not show {field}"),
    "completeness.claim_sum": (
        "确认、争议、拒绝之和不等于申报额 {claimed}",
        "confirmed, disputed and rejected are not the claimed {claimed}",
    ),
    "completeness.pool_opened_once": (
        "额度池只在第 1 版开立, 第 {version} 版不符",
        "a pool opens at version 1 and never again; version {version} does not fit",
    ),
    "completeness.pool_kind": (
        "第 {version} 版的变动不属于 {kind}",
        "version {version} changes what {kind} does not",
    ),
    "completeness.pool_sum": ("第 {version} 版数额不符", "the sums of version {version} are false"),
    "completeness.pool_unit": (
        "第 {version} 版的计量单位与额度池不一致",
        "version {version} is in another unit than its pool",
    ),
    "completeness.title_broken": (
        "{subject} 的背书未逐手衔接",
        "the endorsements of {subject} do not follow one another",
    ),
    "completeness.division_differs": (
        "{subject} 与质权人同意的仓单分割、合并不符",
        "{subject} is not of the division that the pledgee allowed",
    ),
    "completeness.over_capacity": (
        "第 {version} 版超出可用额度 {over}（最小计量单位）",
        "version {version} takes {over} of the smallest unit more than is free",
    ),
    "completeness.other_pool": (
        "额度池 {pool} 不是债务人所签的那一个",
        "pool {pool} is not the one the debtor signed",
    ),
    "completeness.reserved_once": (
        "为本质押的占用有 {count} 次, 应为 1 次",
        "{count} reservations for this pledge, not 1",
    ),
    "completeness.reserved_amount": (
        "占用额不等于质押额 {amount}",
        "the reservation is not the pledged {amount}",
    ),
    "completeness.given_back": (
        "部分解除的数量与签署的不一致",
        "a release in part gave back another amount than was signed",
    ),
    "completeness.conversion_open": (
        "第 {version} 版转换未在另一形态的额度池中等额承接",
        "What version {version} converts did not arrive, once and whole, in another form's pool",
    ),
    "completeness.reservation_gone": (
        "第 {version} 版后占用已不足质押额",
        "from version {version} on the reservation is gone",
    ),
    "completeness.secret_missing": ("{subject} 未附标签密钥", "{subject} gives no tag secret"),
    "completeness.secret_differs": ("{subject} 的标签密钥不一", "{subject} has two tag secrets"),
    "completeness.link_broken": ("{field} 未指向 {to}", "{field} does not name {to}"),
    "completeness.terms_differ": ("{type} 的 {field} 不一致", "{field} of {type} differs"),
    "completeness.tokens": (
        "锁定凭证 {tokens} 个, 单据 {documents} 份",
        "{tokens} tokens for {documents} documents",
    ),
    "completeness.out_of_order": ("{type} 次序不符", "{type} is out of order"),
    "completeness.pledge_over": ("质押已了结 ({type})", "the pledge is over ({type})"),
    "completeness.lock_lost": ("第 {version} 版起链上锁定已失", "the lock was lost at {version}"),
    # Anchor
    "anchor.other_head": (
        "锚定为第 {size} 条, 检查点为第 {checkpoint_size} 条, 或根不同",
        "anchored head {size} is not the checkpoint {checkpoint_size}",
    ),
    "anchor.unknown_contract": (
        "链 {chain_id} 上的合约 {contract} 不在信任清单",
        "contract {contract} on chain {chain_id} is not trusted",
    ),
    "anchor.untrusted": ("信任清单未列链或日志在链上的键", "trust lists no chain or no origin key"),
    "anchor.other_chain": (
        "节点属于链 {chain_id}, 应为 {needed}",
        "chain {chain_id}, not {needed}",
    ),
    "anchor.root_differs": ("链上第 {size} 条的根不同", "the chain holds another root at {size}"),
    # Standing
    "standing.superseded": (
        "{subject} 第 {version} 版已被第 {index} 条取代",
        "{subject} version {version} is superseded at index {index}",
    ),
    "standing.pool_moved": (
        "额度池 {subject} 在第 {index} 条有新变动, 请取新证明",
        "pool {subject} moved at index {index}; obtain a fresh proof",
    ),
    "standing.too_many": (
        "标签密钥涉及 {count} 个对象, 至多 {limit} 个",
        "tag secrets of {count} subjects, {limit} at most",
    ),
    "standing.version_missing": (
        "日志中没有 {subject} 第 {version} 版",
        "{subject} version {version} is not in the log",
    ),
    "standing.version_twice": (
        "{subject} 第 {version} 版在日志中出现多次",
        "{subject} version {version} stands more than once in the log",
    ),
    "standing.other_index": (
        "{subject} 第 {version} 版在第 {index} 条, 与证明不符",
        "{subject} version {version} stands at {index}, not where it is proven",
    ),
    "standing.history_rewritten": (
        "前 {size} 条已被改写",
        "the first {size} entries were rewritten",
    ),
    "standing.tree_differs": (
        "条目与日志签署的树不符 (第 {size} 条)",
        "the entries are not the tree that the log signed at {size}",
    ),
    "standing.log_shrank": ("日志由 {before} 条减为 {size} 条", "the log shrank to {size}"),
    "standing.other_log": ("{origin} 是另一日志", "{origin} is another log"),
    "standing.bundle": ("条目包 {path} 不合规", "bundle {path} is malformed"),
    # Network
    "web.no_answer": ("{url} 无应答", "no answer from {url}"),
    "web.status": ("{url} 应答状态 {status}", "{url} answered with status {status}"),
    "web.too_large": ("{url} 应答过大", "{url} answered with more than {limit} bytes"),
    "web.no_result": ("{url} 应答无结果", "{url} gave no result"),
    "web.not_a_number": ("节点应答不是数", "the node's answer is not a number"),
}

CODES: Final = frozenset(_TEXTS)


SHOWN_MAX: Final = 200
"""Characters of a value from the file that a message shows."""


def text_of(code: str, fields: Mapping[str, Any]) -> tuple[str, str]:
    """Return the Chinese and the English text of a code; with its place in the file, if it has one."""
    shown = {key: printable(value) for key, value in fields.items()}
    chinese, english = (text.format_map(shown) for text in _TEXTS[code])
    where = shown.get("where")
    return (f"{where}: {chinese}", f"{where}: {english}") if where else (chinese, english)


def printable(value: Any) -> str:
    """Return a value as text that cannot steer a terminal, and is not endless."""
    text = str(value)
    safe = "".join(symbol if symbol.isprintable() else "\ufffd" for symbol in text[:SHOWN_MAX])
    return safe if len(text) <= SHOWN_MAX else f"{safe}\u2026"
