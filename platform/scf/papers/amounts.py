"""Amounts in words (大写金额), by 《支付结算办法》 annex 1, 正确填写票据和结算凭证的基本规定."""

from typing import Final

_DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
_PLACES: Final = ("仟", "佰", "拾", "")


def capital_amount(fen: int) -> str:
    """Write an amount of fen in capital characters: 124500050 is 人民币壹佰贰拾肆万伍仟元伍角整.

    整 after 元 and after 角, 零 for skipped places, 零 between 元 and 分 where there is no 角; 负 stands
    behind 人民币, which leaves no room before the amount.
    """
    sign = "负" if fen < 0 else ""
    yuan, cents = divmod(abs(fen), 100)
    jiao, rest = divmod(cents, 10)
    whole = f"{_integer(yuan)}元" if yuan else ""
    if cents == 0:
        return f"人民币{sign}{whole or '零元'}整"
    tenths = f"{_DIGITS[jiao]}角" if jiao else ("零" if yuan else "")
    hundredths = f"{_DIGITS[rest]}分" if rest else "整"
    return f"人民币{sign}{whole}{tenths}{hundredths}"


def _integer(number: int) -> str:
    for size, name in ((10**8, "亿"), (10**4, "万")):
        if number >= size:
            high, low = divmod(number, size)
            link = "零" if 0 < low < size // 10 else ""
            return f"{_integer(high)}{name}{link}{_integer(low) if low else ''}"
    text, skipped = "", False
    for digit, place in zip(f"{number:04d}", _PLACES, strict=True):
        if digit == "0":
            skipped = bool(text)
        else:
            text += ("零" if skipped else "") + _DIGITS[int(digit)] + place
            skipped = False
    return text
