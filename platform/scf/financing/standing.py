"""Where a financing stands and with whom: its own step, or that of the pledge it waits for."""

from datetime import date
from typing import Final

from scf.financing.models import Financing, State
from scf.pledges import rules as pledge_rules
from scf.pledges.models import Pledge
from scf.pledges.models import State as PledgeState
from scf.pledges.rules import Searches, Standing, Waits

BORROWER: Final = Waits.PLEDGOR
LENDER: Final = Waits.PLEDGEE

_OWN: Final = {
    State.REQUESTED: ("已提交申请，待银行审批", "Requested; the bank decides", LENDER),
    State.APPROVED: (
        "银行已批准，待银行发起质押",
        "Approved; the bank proposes the pledge",
        LENDER,
    ),
    State.DISBURSED: ("已放款，待还款", "Paid out; to be repaid", BORROWER),
    State.REPAID: ("本息已结清，待银行解除质押", "Repaid; the bank releases the pledge", LENDER),
    State.CLOSED: ("已结清，质押已解除", "Repaid and released", None),
}


def standing(
    financing: Financing, pledge: Pledge | None, searches: Searches, *, today: date
) -> Standing:
    """Say where a financing stands, since when, and in whose hands it is."""
    since = financing.state_since
    if financing.state is State.DISBURSED and financing.due_on and financing.due_on < today:
        line = f"已于 {financing.due_on} 到期，逾期未结清"
        return Standing(line, f"Overdue since {financing.due_on}", since, BORROWER)
    if financing.state is State.REFUSED:
        return Standing(f"未通过：{financing.reason}", "Refused", since, None)
    if financing.state is State.CONTRACTED:
        assert pledge is not None
        found = pledge_rules.standing(pledge, searches)
        line = f"合同已签署；{found.line}"
        return Standing(line, found.line_en, max(since, found.since), found.waits_for)
    if (
        financing.state is State.APPROVED
        and pledge is not None
        and pledge.state is PledgeState.PROPOSED
    ):
        line = "银行已批准并发起质押，待借款人签署合同"
        line_en = "Approved, the pledge is proposed; the borrower signs the contract"
        return Standing(line, line_en, pledge.state_since, BORROWER)
    line, line_en, waits = _OWN[financing.state]
    return Standing(line, line_en, since, waits)
